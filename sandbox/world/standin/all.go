package standin

func all() map[string]Program {
	return map[string]Program{
		"cat": cat, "df": df, "ls": ls,
	}
}

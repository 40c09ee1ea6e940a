package standin

func all() map[string]Program {
	return map[string]Program{
		"cat": cat, "curl": curl, "df": df, "env": env, "ls": ls, "nc": nc, "node": node, "nslookup": nslookup,
		"pg_isready": pgIsReady, "printenv": printenv, "ps": ps, "psql": psql, "redis-cli": redisCLI, "top": top, "wget": wget,
	}
}

package mail

// Afar makes m take its server for another computer's, as it would any name that is not loopback.
func Afar(m *Mailer) *Mailer {
	m.plain = false
	return m
}

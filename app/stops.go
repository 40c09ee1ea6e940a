package app

import "github.com/rs/zerolog"

// stops is a named stack: what was started last is stopped first.
type stops struct {
	log   zerolog.Logger
	stack []stop
}

type stop struct {
	name string
	fn   func() error
}

func (s *stops) push(name string, fn func() error) {
	s.stack = append(s.stack, stop{name, fn})
}

// run stops everything, also when something fails to stop.
func (s *stops) run() {
	for i := len(s.stack) - 1; i >= 0; i-- {
		if err := s.stack[i].fn(); err != nil {
			s.log.Error().Err(err).Str("what", s.stack[i].name).Msg("stop")
		}
	}
	s.stack = nil
}

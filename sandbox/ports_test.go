package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

func TestAStartThatLostAPortBeginsAgain(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("scheduler: %w", cluster.ErrPortTaken)
	broken := errors.New("etcd ended")
	for name, tt := range map[string]struct {
		ends  []error
		want  error
		tries int
	}{
		"at once":               {[]error{nil}, nil, 1},
		"lost twice, then well": {[]error{lost, lost, nil}, nil, 3},
		"another trouble":       {[]error{broken}, broken, 1},
		"lost, then another":    {[]error{lost, broken}, broken, 2},
		"lost again and again":  {[]error{lost, lost, lost, lost, lost, lost}, cluster.ErrPortTaken, portAttempts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said strings.Builder
			tries := 0
			err := againOnOtherPorts(&said, func() error {
				tries++
				return tt.ends[tries-1]
			})
			if !errors.Is(err, tt.want) || tries != tt.tries {
				t.Errorf("ended with %v after %d tries, want %v after %d", err, tries, tt.want, tt.tries)
			}
			if got := strings.Count(said.String(), "starting again"); got != tt.tries-1 {
				t.Errorf("said %d times that it starts again, want %d", got, tt.tries-1)
			}
		})
	}
}

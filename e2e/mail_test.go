package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// postbox is a mail server on loopback that takes everything but what is to gone@.
type postbox struct {
	listener net.Listener
	mu       sync.Mutex
	letters  []letter
}

type letter struct{ to, text string }

// cmdMail: mail starts a mail server, names a sender in svcdown.yaml, and keeps the server's address in SMTP.
func cmdMail(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	p := &postbox{listener: l}
	s.around.mail = p
	s.env.Defer(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.talk(conn)
		}
	}()
	ts.Setenv("SMTP", "smtp://"+l.Addr().String())
	cmdConfig(ts, false, []string{"mail: {from: svcdown@example.org}"})
}

// talk takes letters as https://www.rfc-editor.org/rfc/rfc5321 has it.
func (p *postbox) talk(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 here\r\n")
	var one letter
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "RCPT":
			one.to = strings.Trim(line[strings.Index(line, ":")+1:], "<> ")
			if strings.HasPrefix(one.to, "gone@") {
				fmt.Fprint(conn, "550 no such mailbox\r\n")
				continue
			}
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		case "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			var raw strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				raw.WriteString(line)
			}
			text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(raw.String())))
			if err != nil {
				text = []byte(raw.String())
			}
			one.text = string(text)
			p.mu.Lock()
			p.letters = append(p.letters, one)
			p.mu.Unlock()
		}
		fmt.Fprint(conn, "250 fine\r\n")
	}
}

// cmdMailed: mailed N TO REGEXP... waits until N letters to somebody match all.
func cmdMailed(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts).around.mail
	ts.Check(until(patience, func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		n := 0
		for _, l := range p.letters {
			fits := l.to == args[1]
			for _, pattern := range args[2:] {
				fits = fits && regexp.MustCompile("(?s)"+pattern).MatchString(l.text)
			}
			if fits {
				n++
			}
		}
		if fmt.Sprint(n) != args[0] {
			return fmt.Errorf("%d letters to %s match %q, want %s: %+v\n%s", n, args[1], args[2:], args[0], p.letters, of(ts).logs())
		}
		return nil
	}))
}

package binaries

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// report tells a person how far a build is: on a terminal one line that changes,
// elsewhere a line every ten seconds.
type report struct {
	out     io.Writer
	tty     bool
	began   time.Time
	of      int    // how many programs
	dir     string // finished programs appear here
	quit    chan struct{}
	stopped chan struct{}

	mu   sync.Mutex // guards what follows
	todo int
	done int
	last string
}

func newReport(out io.Writer, began time.Time, of int) *report {
	f, ok := out.(*os.File)
	return &report{out: out, tty: ok && term.IsTerminal(int(f.Fd())), began: began, of: of}
}

func (r *report) say(sentence string) {
	fmt.Fprintf(r.out, "[%s] %s\n", r.elapsed(), sentence)
}

// start begins to report on the build of todo packages; stop must follow.
func (r *report) start(todo int, dir string) {
	r.todo, r.dir = todo, dir
	r.quit, r.stopped = make(chan struct{}), make(chan struct{})
	every := 10 * time.Second
	if r.tty {
		every = time.Second
	}
	r.line()
	go func() {
		defer close(r.stopped)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.line()
			case <-r.quit:
				return
			}
		}
	}()
}

func (r *report) stop() {
	close(r.quit)
	<-r.stopped
	r.line()
	if r.tty {
		fmt.Fprintln(r.out)
	}
}

func (r *report) compiled(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	r.last = path
}

func (r *report) line() {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Go's compiler runs inside the linker's wait: packages first, programs last.
	text := fmt.Sprintf("[%s] %d of %d packages compiled, %d of %d programs linked  %s",
		r.elapsed(), r.done, max(r.todo, r.done), r.linked(), r.of, r.last)
	if !r.tty {
		fmt.Fprintln(r.out, text)
		return
	}
	if len(text) > 100 {
		text = text[:100]
	}
	fmt.Fprintf(r.out, "\r\x1b[K%s", text)
}

func (r *report) linked() int {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return 0
	}
	return len(entries)
}

func (r *report) elapsed() time.Duration { return time.Since(r.began).Round(time.Second) }

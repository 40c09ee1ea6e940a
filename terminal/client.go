package terminal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
)

// ErrUnreachable means that no connection to the bot could be made, so that nothing was done; reading verbs can go on without it.
var ErrUnreachable = errors.New("the bot cannot be reached")

// Client asks a running bot.
type Client struct {
	Server  string // base URL
	Token   string // Kubernetes token of whoever asks; sent over https or within this computer only
	Cluster string // where the bot shall verify it
	// HTTP has a ResponseHeaderTimeout: a running bot sends the header as soon as it has verified the token.
	HTTP *http.Client
	// Files is the folder where files of an answer are written.
	Files string
}

// maxLine bounds one line of the answer, in bytes; a log file comes as one line.
const maxLine = 16 << 20

// ErrSilent means that the bot took the command and did not even say that it comes to it: whether it was done is not known.
var ErrSilent = errors.New("the bot does not answer, so whether it was done is not known")

// HeaderTime is how long a bot may take to verify a token before it counts as silent.
const HeaderTime = 20 * time.Second

// Do sends one command and writes the answer to out as it comes. Cards that still fill are shown only when they are complete.
func (c Client) Do(ctx context.Context, text string, out io.Writer) error {
	if err := sealed(c.Server); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"text": text, "cluster": c.Cluster})
	if err != nil {
		return fmt.Errorf("ask the bot: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Server+"/v1/command", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the bot at %s: %w", c.Server, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.HTTP.Do(req)
	var op *net.OpError
	var slow net.Error
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("%w at %s: %w", ErrUnreachable, c.Server, err)
	case errors.As(err, &slow) && slow.Timeout() && ctx.Err() == nil:
		return fmt.Errorf("%w; look with: svcdown approvals, once %s answers: %w", ErrSilent, c.Server, err)
	case err != nil:
		return fmt.Errorf("the connection to %s ended before the answer: %w. Whether it was done is not known; look with: svcdown approvals", c.Server, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		var said struct {
			Error string `json:"error"`
		}
		if err := json.NewDecoder(io.LimitReader(res.Body, maxLine)).Decode(&said); err != nil || said.Error == "" {
			return fmt.Errorf("the server at %s answered %s and is probably not svcdown; nothing was done", c.Server, clean(res.Status))
		}
		return errors.New(clean(said.Error))
	}
	return c.show(res.Body, out)
}

// sealed refuses an address at which the token could be read on its way.
func sealed(server string) error {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return fmt.Errorf("nothing was sent: %q is no address of a bot; write https://HOST", server)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("nothing was sent: your token could be read on the way to %s. Use https, or a tunnel: kubectl port-forward", server)
}

type line struct {
	Op      string     `json:"op"`
	Message string     `json:"message"`
	Card    *card.Card `json:"card"`
	File    *card.File `json:"file"`
}

func (c Client) show(body io.Reader, out io.Writer) error {
	sc := bufio.NewScanner(body)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	refused, lines := false, 0
	for ; sc.Scan(); lines++ {
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return fmt.Errorf("read the bot's answer: %w", err)
		}
		switch {
		case l.Card != nil && l.Card.State == card.Running && l.Op != "whisper":
			fmt.Fprintln(os.Stderr, clean(l.Card.Verdict.String()))
		case l.Card != nil:
			Render(out, *l.Card)
			refused = refused || l.Card.State == card.Refused || (l.Op == "whisper" && l.Card.State == card.Fail)
		case l.File != nil:
			if err := WriteFile(c.Files, *l.File, out); err != nil {
				return err
			}
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("read the bot's answer: %w", err)
	}
	if refused {
		return ErrRefused
	}
	if lines == 0 {
		return errors.New("the bot ended without an answer. Whether it was done is not known; look with: svcdown approvals")
	}
	return nil
}

// ErrRefused means that the command was not done; the reason has been shown.
var ErrRefused = errors.New("not done")

// WriteFile puts a file of an answer into folder. It never leaves the folder, never replaces a file, and makes no hidden one; a name that is
// taken gets a number.
func WriteFile(folder string, f card.File, out io.Writer) error {
	name := strings.TrimLeft(strings.Join(strings.Fields(clean(filepath.Base(f.Name))), "-"), ".-")
	if name == "" || name == string(filepath.Separator) {
		name = "svcdown.txt"
	}
	file, err := create(folder, name)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(folder, name), err)
	}
	_, err = file.Write(f.Bytes())
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file.Name(), err)
	}
	fmt.Fprintf(out, "  file: %s\n", file.Name())
	return nil
}

// maxCopies bounds the files of one name.
const maxCopies = 100

func create(folder, name string) (*os.File, error) {
	ext := filepath.Ext(name)
	for n := 1; ; n++ {
		path := filepath.Join(folder, name)
		if n > 1 {
			path = filepath.Join(folder, strings.TrimSuffix(name, ext)+"-"+strconv.Itoa(n)+ext)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, os.ErrExist) || n == maxCopies {
			return file, err
		}
	}
}

package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/k8stest"
)

var updateScreenshots = flag.Bool("update-screenshots", false, "write the page story's screenshots to docs/")

// TestPage tells a story through the workspace's page, in a real browser.
func TestPage(t *testing.T) {
	shared.cluster = k8stest.Shared(t)
	p := params("testdata/page")
	p.Cmds["marketplace"], p.Cmds["shows"], p.Cmds["page"] = cmdMarketplace, cmdShows, cmdPage
	testscript.Run(t, p)
}

// cmdMarketplace: marketplace moves the story to the sandbox's first namespace, whose name a screenshot may show.
func cmdMarketplace(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	b, err := os.ReadFile(s.config)
	ts.Check(err)
	ts.Check(os.WriteFile(s.config, []byte(strings.ReplaceAll(string(b), s.namespace, shared.cluster.Namespace)), 0o600))
	s.namespace = shared.cluster.Namespace
	ts.Setenv("NAMESPACE", s.namespace)
}

// cmdShows: shows REGEXP ARGS... waits until kubectl ARGS prints a match.
func cmdShows(ts *testscript.TestScript, _ bool, args []string) {
	re := regexp.MustCompile("(?s)" + args[0])
	ts.Check(until(patience, func() error {
		out, err := kubectl(of(ts).namespace, args[1:]...)
		if err != nil || !re.Match(out) {
			return fmt.Errorf("kubectl %s shows no %q (%v):\n%s", strings.Join(args[1:], " "), args[0], err, out)
		}
		return nil
	}))
}

// cmdPage: page OP ARGS... does what a person does in the browser.
func cmdPage(ts *testscript.TestScript, _ bool, args []string) {
	ops := map[string]struct {
		args int
		do   func(*testscript.TestScript, *browser, []string) error
	}{
		"open": {3, pageOpen}, "size": {2, pageSize}, "type": {1, pageType}, "see": {1, pageSee}, "press": {1, pagePress},
		"confirm": {0, pageConfirm}, "as": {1, pageAs}, "thread": {1, pageThread}, "shot": {1, pageShot},
	}
	if len(args) == 0 || ops[args[0]].do == nil || len(args)-1 != ops[args[0]].args {
		ts.Fatalf("usage: page open USER WIDTH HEIGHT | size WIDTH HEIGHT | type TEXT | see TEXT | press LABEL | confirm | as USER | thread TEXT | shot NAME")
	}
	b, _ := of(ts).env.Values["browser"].(*browser)
	if err := ops[args[0]].do(ts, b, args[1:]); err != nil {
		ts.Fatalf("page %s: %v\n%s\n%s", strings.Join(args, " "), err, b.shown(), of(ts).logs())
	}
}

// browser is one tab of Chromium.
type browser struct{ ctx context.Context }

func pageOpen(ts *testscript.TestScript, _ *browser, args []string) error {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return fmt.Errorf("the page is tested in a real browser: apt-get install chromium: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	s := of(ts)
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopTab := chromedp.NewContext(alloc)
	s.env.Defer(func() {
		stopTab()
		stopAlloc()
	})
	b := &browser{ctx: ctx}
	s.env.Values["browser"] = b
	if err := chromedp.Do(ctx); err != nil { // the first Run starts the browser, and a deadline would end it
		return err
	}
	if err := pageSize(ts, b, args[1:]); err != nil {
		return err
	}
	return b.run(chromedp.Navigate(s.addresses.Page+"#/ops?user="+args[0]), chromedp.WaitVisible(testID("composer-input")))
}

func pageSize(_ *testscript.TestScript, b *browser, args []string) error {
	width, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	height, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	return b.run(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(2)))
}

func pageType(_ *testscript.TestScript, b *browser, args []string) error {
	return b.run(chromedp.SendKeys(testID("composer-input"), args[0]), chromedp.Click(testID("composer-send")))
}

// pageSee waits for a message with this text.
func pageSee(_ *testscript.TestScript, b *browser, args []string) error {
	return b.poll(`(text) => [...document.querySelectorAll('[data-testid="message"]')].some((m) => m.innerText.includes(text))`, args[0])
}

// pagePress clicks the newest button with this label that can be seen in a message.
func pagePress(_ *testscript.TestScript, b *browser, args []string) error {
	return b.poll(`(label) => {
		const all = [...document.querySelectorAll('[data-testid="message"] button')].filter((b) => b.innerText.trim() === label && !b.disabled && b.checkVisibility());
		all.at(-1)?.click();
		return all.length > 0;
	}`, args[0])
}

func pageConfirm(_ *testscript.TestScript, b *browser, _ []string) error {
	return b.run(chromedp.Click(testID("confirm-ok")), chromedp.WaitNotPresent(testID("confirm")))
}

func pageAs(_ *testscript.TestScript, b *browser, args []string) error {
	if err := b.run(chromedp.Click(testID("person-" + userID(args[0])))); err != nil {
		return err
	}
	// The address changes before the page does: until it shows the person, a click is still the one's before.
	return b.poll(`(id) => document.querySelector('[data-testid="person-' + id + '"]')?.getAttribute('aria-pressed') === 'true'`, userID(args[0]))
}

// pageThread opens the thread under the newest message of the channel that contains the text.
func pageThread(_ *testscript.TestScript, b *browser, args []string) error {
	return b.poll(`(text) => {
		const m = [...document.querySelectorAll('#room [data-testid="message"]')].filter((m) => m.innerText.includes(text)).at(-1);
		const replies = m?.querySelector('[data-testid="replies"]');
		replies?.click();
		return Boolean(replies);
	}`, args[0])
}

// pageShot keeps a picture of the page: in docs/ with -update-screenshots, else in the story's folder.
func pageShot(ts *testscript.TestScript, b *browser, args []string) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := b.run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1)); err != nil { // nothing looks hovered over
		return err
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	dir := of(ts).env.WorkDir
	if *updateScreenshots {
		dir = filepath.Join("..", "docs")
	}
	if len(png) < 10_000 {
		return fmt.Errorf("a picture of %d bytes shows nothing", len(png))
	}
	return os.WriteFile(filepath.Join(dir, args[0]+".png"), png, 0o644)
}

func testID(id string) string { return fmt.Sprintf(`[data-testid=%q]`, id) }

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

// poll calls a JavaScript function until it answers true.
func (b *browser) poll(function string, args ...any) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.PollFunction[bool](function, chromedp.WithPollingArgs(args...), chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	return err
}

// shown is what a person would read now.
func (b *browser) shown() string {
	if b == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	return fmt.Sprintf("the page shows (%v):\n%s", err, text)
}

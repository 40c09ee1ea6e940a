package runbook

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// maxFiles bounds how many runbooks one folder may hold.
const maxFiles = 200

// Library holds the shipped runbooks and, beside them, those of one folder. A runbook of the folder takes the place of a shipped one with
// the same name. It is safe for concurrent use: readers see one whole state of it, and keep what they got.
type Library struct {
	shipped []*Runbook
	dir     string
	live    atomic.Pointer[shelf]

	loading sync.Mutex
	known   map[string]volume // by the name of the file in dir
}

// shelf is one state of the library.
type shelf struct {
	books  []*Runbook
	broken []Broken
}

// volume is the last good content of one file, and what is wrong with the newest when that is not it.
type volume struct {
	sum  [sha256.Size]byte // of the newest content
	book *Runbook          // nil while no content was good
	why  string
}

// Broken is a runbook of the folder that cannot be read as it is now.
type Broken struct {
	// File is its path; for the folder itself, that of the folder.
	File string
	// Name is the runbook's name, "" for the folder itself.
	Name string
	// Why says what is wrong.
	Why string
	// Kept is true when the last good content is still in use.
	Kept bool
	// Sum identifies the broken content, so that it is reported once.
	Sum string
}

// NewLibrary reads the shipped runbooks, which have to be good, and the folder dir, "" for none. What is broken in dir is in
// [Library.Broken] and no error: a bot must not stay down for a typing mistake.
func NewLibrary(shipped fs.FS, dir string) (*Library, error) {
	l := &Library{dir: dir, known: map[string]volume{}}
	names, err := fs.Glob(shipped, "*.md")
	if err != nil {
		return nil, fmt.Errorf("list the shipped runbooks: %w", err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(shipped, name)
		if err != nil {
			return nil, fmt.Errorf("read the shipped runbook %s: %w", name, err)
		}
		book, err := Parse(name, data)
		if err != nil {
			return nil, err
		}
		l.shipped = append(l.shipped, book)
	}
	l.Reload()
	return l, nil
}

// All lists the runbooks by name.
func (l *Library) All() []*Runbook { return slices.Clone(l.live.Load().books) }

// Named finds a runbook by its name, in upper or lower case.
func (l *Library) Named(name string) (*Runbook, bool) {
	name = strings.TrimSuffix(strings.ToLower(name), ".md")
	for _, b := range l.live.Load().books {
		if b.Name() == name {
			return b, true
		}
	}
	return nil, false
}

// Broken lists what cannot be read at this moment.
func (l *Library) Broken() []Broken { return slices.Clone(l.live.Load().broken) }

// Reload reads the folder again and reports whether anything is different from before. It goes by the files' contents, because a mounted
// ConfigMap changes them all at once behind a symbolic link. Everything is read and parsed before any of it can be seen; a file that is
// broken now keeps its last good content, and while the folder itself cannot be read, all of it stays.
func (l *Library) Reload() (changed bool) {
	l.loading.Lock()
	defer l.loading.Unlock()
	next, changed := l.known, l.live.Load() == nil
	var folder string
	if l.dir != "" {
		fresh, different, err := l.read()
		if err != nil {
			folder = plainError(err)
		} else {
			next, changed = fresh, changed || different
		}
	}
	now := l.shelf(next, folder)
	if before := l.live.Load(); before != nil && !slices.Equal(before.broken, now.broken) {
		changed = true
	}
	l.known = next
	l.live.Store(now)
	return changed
}

// read reads every .md file of the folder; contents that are as before are not parsed again.
func (l *Library) read() (next map[string]volume, changed bool, err error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, false, err
	}
	next = map[string]volume{}
	for _, e := range entries {
		name := e.Name()
		// A ConfigMap's own folders begin with two dots.
		if strings.HasPrefix(name, ".") || !strings.EqualFold(filepath.Ext(name), ".md") {
			continue
		}
		if len(next) == maxFiles {
			return nil, false, fmt.Errorf("%s: it holds more than %d runbooks; none of them was read anew", l.dir, maxFiles)
		}
		v, different := l.volume(name)
		next[name] = v
		changed = changed || different
	}
	return next, changed || len(next) != len(l.known), nil
}

func (l *Library) volume(name string) (v volume, changed bool) {
	before, had := l.known[name]
	path := filepath.Join(l.dir, name)
	data, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) && had {
		return before, false // a link that is being replaced; a file that has gone is not listed the next time
	}
	if err != nil {
		data = []byte(plainError(err))
	}
	sum := sha256.Sum256(data)
	if had && before.sum == sum {
		return before, false
	}
	v = volume{sum: sum, book: before.book}
	if err != nil {
		v.why = plainError(err)
		return v, true
	}
	book, err := Parse(path, data)
	switch {
	case err != nil:
		v.why = err.Error()
	case len(book.Phases) == 0: // also what an editor leaves for a moment while it saves
		v.why = "there is no command and no text in it"
	default:
		v.book = book
	}
	return v, true
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: it is no plain file", path)
	}
	if info.Size() > maxDocument {
		return nil, fmt.Errorf("%s: it has %d bytes, more than %d", path, info.Size(), maxDocument)
	}
	return os.ReadFile(path)
}

// shelf puts the folder's runbooks before the shipped ones of the same name.
func (l *Library) shelf(volumes map[string]volume, folder string) *shelf {
	s := &shelf{}
	if folder != "" {
		s.broken = append(s.broken, Broken{File: l.dir, Why: folder, Kept: len(volumes) > 0, Sum: sumOf([]byte(folder))})
	}
	taken := map[string]string{}
	for _, file := range slices.Sorted(maps.Keys(volumes)) {
		v := volumes[file]
		path := filepath.Join(l.dir, file)
		name := (&Runbook{File: file}).Name()
		if v.why != "" {
			s.broken = append(s.broken, Broken{File: path, Name: name, Why: v.why, Kept: v.book != nil, Sum: fmt.Sprintf("%x", v.sum[:6])})
		}
		if first, twice := taken[name]; twice {
			s.broken = append(s.broken, Broken{File: path, Name: name, Why: fmt.Sprintf("%s has the same name and is used", first), Sum: sumOf([]byte(path))})
			continue
		}
		if v.book != nil {
			taken[name] = file
			s.books = append(s.books, v.book)
		}
	}
	for _, b := range l.shipped {
		if _, replaced := taken[b.Name()]; !replaced {
			s.books = append(s.books, b)
		}
	}
	slices.SortStableFunc(s.books, func(a, b *Runbook) int { return strings.Compare(a.Name(), b.Name()) })
	return s
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%x", sum[:6])
}

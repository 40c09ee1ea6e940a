package slacksim

import (
	"cmp"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxUpload      = 64 << 20
	previewLines   = 20
	previewLetters = 2000
)

// File is Slack's file object.
type File struct {
	ID                 string   `json:"id"`
	Created            int64    `json:"created"`
	Timestamp          int64    `json:"timestamp"`
	Name               string   `json:"name"`
	Title              string   `json:"title"`
	Mimetype           string   `json:"mimetype"`
	Filetype           string   `json:"filetype"`
	PrettyType         string   `json:"pretty_type"`
	User               string   `json:"user"`
	UserTeam           string   `json:"user_team"`
	Mode               string   `json:"mode"`
	Size               int      `json:"size"`
	URLPrivate         string   `json:"url_private"`
	URLPrivateDownload string   `json:"url_private_download"`
	Permalink          string   `json:"permalink"`
	AltTxt             string   `json:"alt_txt,omitempty"`
	Preview            string   `json:"preview,omitempty"`
	PreviewIsTruncated bool     `json:"preview_is_truncated,omitempty"`
	Lines              int      `json:"lines,omitempty"`
	Channels           []string `json:"channels"`
	Groups             []string `json:"groups"`
	IMs                []string `json:"ims"`
	Shares             answer   `json:"shares,omitempty"`
}

// file is an upload on its way, then a file.
type file struct {
	File
	ticket   string
	length   int
	content  []byte
	uploaded bool
	complete bool
}

func getUploadURL(c *call) (answer, error) {
	length := c.int("length", 0)
	if length <= 0 || length > maxUpload {
		return nil, refuse("file_upload_size_restricted")
	}
	f := &file{ticket: secret(), length: length, File: File{
		ID: c.nextID("F"), Name: c.str("filename"), Title: c.str("filename"), AltTxt: c.str("alt_txt"), User: c.cfg.App.BotUserID, UserTeam: c.cfg.Team.ID,
	}}
	c.files[f.ID] = f
	return answer{"file_id": f.ID, "upload_url": c.origin + "/upload/v1/" + f.ticket}, nil
}

// serveUpload takes a file's bytes, raw or as one multipart field, once.
func (w *Workspace) serveUpload(rw http.ResponseWriter, r *http.Request) {
	var content []byte
	body := io.Reader(http.MaxBytesReader(rw, r.Body, maxUpload+1<<20))
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(rw, "the multipart body cannot be read; nothing was stored", http.StatusBadRequest)
			return
		}
		for {
			part, err := parts.NextPart()
			if err != nil {
				http.Error(rw, "there is no file in the multipart body; nothing was stored", http.StatusBadRequest)
				return
			}
			if part.FileName() != "" {
				body = io.LimitReader(part, maxUpload+1)
				break
			}
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		http.Error(rw, "the upload broke off; nothing was stored", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.files {
		if f.ticket == r.PathValue("ticket") && !f.uploaded {
			if len(content) != f.length {
				http.Error(rw, "the file is not as long as was announced; nothing was stored", http.StatusBadRequest)
				return
			}
			f.content, f.uploaded = content, true
			_, _ = io.WriteString(rw, "OK - "+f.ID) // the caller is gone: nobody to tell
			return
		}
	}
	http.Error(rw, "the upload URL is unknown or used; nothing was stored", http.StatusNotFound)
}

func completeUpload(c *call) (answer, error) {
	var asked []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if err := c.json("files", &asked); err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		return nil, refuse("invalid_arguments", "[ERROR] missing required field: files")
	}
	targets := c.list("channels")
	if c.given("channel_id") {
		targets = append(targets, c.str("channel_id"))
	}
	var channels []*channel
	for _, id := range targets {
		one := *c
		one.args = map[string]any{"channel": id}
		ch, err := one.target("channel")
		if err != nil {
			return nil, err
		}
		channels = append(channels, ch)
	}
	m := c.fromApp()
	if c.given("blocks") {
		if err := c.blocks("blocks", m); err != nil {
			return nil, err
		}
	}
	var files []*file
	for _, a := range asked {
		f := c.files[a.ID]
		if f == nil || !f.uploaded || f.complete || slices.Contains(files, f) {
			return nil, refuse("file_not_found")
		}
		files = append(files, f)
	}
	for i, f := range files {
		f.complete = true
		f.Title = cmp.Or(asked[i].Title, f.Title)
		c.describeFile(f, c.origin)
	}
	for _, ch := range channels {
		if ts := c.str("thread_ts"); ts != "" && c.message(ch.ID, ts) == nil {
			return nil, refuse("invalid_arguments", "[ERROR] thread_ts names no message")
		}
		c.share(ch, files, &Message{
			User: m.User, BotID: m.BotID, AppID: m.AppID, BotProfile: m.BotProfile, Team: m.Team,
			Text: c.str("initial_comment"), Blocks: m.Blocks, ThreadTS: c.str("thread_ts"),
		})
	}
	out := []File{}
	for _, f := range files {
		out = append(out, f.File)
	}
	return answer{"files": out}, nil
}

// describeFile fills in what follows from name and content.
func (w *Workspace) describeFile(f *file, origin string) {
	now := w.cfg.Now().Unix()
	f.Created, f.Timestamp, f.Size = now, now, len(f.content)
	f.Filetype = strings.TrimPrefix(strings.ToLower(path.Ext(f.Name)), ".")
	f.Mimetype = cmp.Or(mime.TypeByExtension("."+f.Filetype), http.DetectContentType(f.content))
	f.Mimetype, _, _ = strings.Cut(f.Mimetype, ";")
	f.Mode = "hosted"
	if f.Filetype == "log" || f.Filetype == "txt" || f.Filetype == "" && utf8.Valid(f.content) {
		f.Filetype, f.Mimetype = "text", "text/plain"
	}
	f.PrettyType = strings.ToUpper(f.Filetype)
	if utf8.Valid(f.content) && !strings.HasPrefix(f.Mimetype, "image/") {
		f.Mode = "snippet"
		text := string(f.content)
		f.Lines = strings.Count(text, "\n") + 1
		f.Preview = preview(text)
		f.PreviewIsTruncated = f.Preview != text
	}
	f.URLPrivate = origin + "/files-pri/" + f.ID + "/" + f.Name
	f.URLPrivateDownload = f.URLPrivate
	f.Permalink = "https://" + w.cfg.Team.Domain + ".slack.com/files/" + f.User + "/" + f.ID
}

// preview is the beginning of a text: whole lines, as far as one fits at all.
func preview(text string) string {
	lines := strings.SplitN(text, "\n", previewLines+1)
	begin := []rune(strings.Join(lines[:min(len(lines), previewLines)], "\n"))
	if len(begin) <= previewLetters {
		return string(begin)
	}
	cut := string(begin[:previewLetters])
	if end := strings.LastIndex(cut, "\n"); end > 0 {
		cut = cut[:end]
	}
	return cut
}

// share posts the message that carries the files.
func (w *Workspace) share(ch *channel, files []*file, m *Message) {
	m.Upload = true
	for _, f := range files {
		m.Files = append(m.Files, f.File)
	}
	w.post(ch, m)
	for _, f := range files {
		list, group := &f.Channels, "public"
		if ch.isIM {
			list, group = &f.IMs, "private"
		} else if ch.IsPrivate {
			list, group = &f.Groups, "private"
		}
		*list = append(*list, ch.ID)
		share := answer{"ts": m.TS, "channel_name": ch.Name, "team_id": w.cfg.Team.ID}
		if m.ThreadTS != "" {
			share["thread_ts"] = m.ThreadTS
		}
		shares, _ := f.Shares[group].(answer)
		if shares == nil {
			shares = answer{}
		}
		shares[ch.ID] = []answer{share}
		if f.Shares == nil {
			f.Shares = answer{}
		}
		f.Shares[group] = shares
	}
}

func fileInfo(c *call) (answer, error) {
	f := c.files[c.str("file")]
	if f == nil || !f.complete {
		return nil, refuse("file_not_found")
	}
	return answer{"file": f.File, "comments": []any{}, "content": f.Preview, "response_metadata": answer{"next_cursor": ""}}, nil
}

// listFiles pages through the files, the newest first. Its filters by time and type are not simulated: svcdown does not use them.
func listFiles(c *call) (answer, error) {
	if c.given("user") && c.user(c.str("user")) == nil {
		return nil, refuse("user_not_found")
	}
	if c.given("channel") {
		if _, err := c.target("channel"); err != nil {
			return nil, err
		}
	}
	found := []File{}
	for _, f := range c.files {
		in := slices.Concat(f.Channels, f.Groups, f.IMs)
		if f.complete && (!c.given("user") || f.User == c.str("user")) && (!c.given("channel") || slices.Contains(in, c.str("channel"))) {
			found = append(found, f.File)
		}
	}
	slices.SortFunc(found, func(a, b File) int { return strings.Compare(b.ID, a.ID) })
	total, count, page := len(found), max(1, c.int("count", 100)), max(1, c.int("page", 1))
	found = found[min((page-1)*count, total):min(page*count, total)]
	return answer{"files": found, "paging": answer{"count": count, "total": total, "page": page, "pages": (total + count - 1) / count}}, nil
}

// servePrivateFile hands a file to a holder of the bot token with files:read.
func (w *Workspace) servePrivateFile(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	f := w.files[r.PathValue("id")]
	allowed := r.Header.Get("Authorization") == "Bearer "+w.cfg.App.BotToken && w.scopes["files:read"]
	w.mu.Unlock()
	if !allowed || f == nil || !f.complete {
		http.NotFound(rw, r)
		return
	}
	f.write(rw)
}

// write sends a complete file, which never changes, as a download that no browser runs.
func (f *file) write(rw http.ResponseWriter) {
	kind := f.Mimetype
	if strings.HasPrefix(kind, "text/") {
		kind = "text/plain; charset=utf-8"
	}
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.Header().Set("Content-Security-Policy", "sandbox")
	_, _ = rw.Write(f.content) // the caller is gone: nobody to tell
}

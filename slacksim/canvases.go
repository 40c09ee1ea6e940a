package slacksim

import "strings"

// canvas is a document. Only whole-document edits are simulated: section IDs come from canvases.sections.lookup,
// which svcdown does not use.
type canvas struct {
	id, title, markdown string
	channel             string
}

type document struct {
	Type     string `json:"type"`
	Markdown string `json:"markdown"`
}

// readDocument reads document_content; without it a canvas is empty.
func (c *call) readDocument() (document, error) {
	d := document{Type: "markdown"}
	if !c.given("document_content") {
		return d, nil
	}
	if err := c.json("document_content", &d); err != nil {
		return d, err
	}
	if d.Type != "markdown" {
		return d, refuse("canvas_creation_failed", "[ERROR] document_content.type must be markdown")
	}
	return d, nil
}

func (w *Workspace) newCanvas(title, channel string, d document) *canvas {
	doc := &canvas{id: w.nextID("F"), title: title, markdown: d.Markdown, channel: channel}
	w.canvases[doc.id] = doc
	// A canvas is a file as well: https://docs.slack.dev/surfaces/canvases
	f := &file{complete: true, File: File{
		ID: doc.id, Title: title, Name: title, Mimetype: "application/vnd.slack-docs", Filetype: "quip", PrettyType: "Canvas", User: w.cfg.App.BotUserID, UserTeam: w.cfg.Team.ID,
		Mode: "quip", Size: len(d.Markdown), Permalink: "https://" + w.cfg.Team.Domain + ".slack.com/docs/" + w.cfg.Team.ID + "/" + doc.id,
	}}
	if channel != "" {
		f.Channels = []string{channel}
	}
	w.files[doc.id] = f
	w.notify()
	return doc
}

func createCanvas(c *call) (answer, error) {
	d, err := c.readDocument()
	if err != nil {
		return nil, err
	}
	channelID := ""
	if c.given("channel_id") {
		ch, err := c.target("channel_id")
		if err != nil {
			return nil, err
		}
		channelID = ch.ID
	}
	return answer{"canvas_id": c.newCanvas(c.str("title"), channelID, d).id}, nil
}

func createChannelCanvas(c *call) (answer, error) {
	ch, err := c.target("channel_id")
	if err != nil {
		return nil, err
	}
	if ch.canvas != "" {
		return nil, refuse("channel_canvas_already_exists")
	}
	d, err := c.readDocument()
	if err != nil {
		return nil, err
	}
	ch.canvas = c.newCanvas(c.str("title"), ch.ID, d).id
	return answer{"canvas_id": ch.canvas}, nil
}

func editCanvas(c *call) (answer, error) {
	doc := c.canvases[c.str("canvas_id")]
	if doc == nil {
		return nil, refuse("canvas_not_found")
	}
	var changes []struct {
		Operation       string   `json:"operation"`
		SectionID       string   `json:"section_id"`
		DocumentContent document `json:"document_content"`
		TitleContent    document `json:"title_content"`
	}
	if err := c.json("changes", &changes); err != nil {
		return nil, err
	}
	if len(changes) != 1 {
		return nil, refuse("invalid_arguments", "[ERROR] exactly 1 change allowed [json-pointer:/changes]")
	}
	change := changes[0]
	if change.SectionID != "" {
		return nil, refuse("canvas_editing_failed", "[ERROR] section_id names no section")
	}
	switch change.Operation {
	case "replace":
		doc.markdown = change.DocumentContent.Markdown
	case "insert_at_start":
		doc.markdown = change.DocumentContent.Markdown + "\n" + doc.markdown
	case "insert_at_end":
		doc.markdown = strings.TrimPrefix(doc.markdown+"\n"+change.DocumentContent.Markdown, "\n")
	case "rename":
		doc.title = change.TitleContent.Markdown
	default:
		return nil, refuse("canvas_editing_failed", "[ERROR] operation is not supported without a section_id")
	}
	c.notify()
	return answer{}, nil
}

// Canvas returns a canvas' title and markdown; ok is false when there is no such canvas.
func (w *Workspace) Canvas(id string) (title, markdown string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	doc := w.canvases[id]
	if doc == nil {
		return "", "", false
	}
	return doc.title, doc.markdown, true
}

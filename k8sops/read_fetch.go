package k8sops

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/svcdown/svcdown/redact"
)

const (
	// mostBody is how much of one answer of the API server is read: 500 pods take about 6 MB.
	mostBody = 32 << 20
	// tableType asks for what kubectl asks for: the columns as the server prints them, with the objects.
	tableType = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
)

// fetch reads one path of the API as it comes, bounded in bytes; about names for people what lies there.
func (c *Cluster) fetch(ctx context.Context, op, about, at string, params map[string]string, accept string) ([]byte, error) {
	r := c.client.CoreV1().RESTClient().Get().AbsPath(at).SetHeader("Accept", accept).MaxRetries(1)
	for k, v := range params {
		r = r.Param(k, v)
	}
	stream, err := r.Stream(ctx)
	if err != nil {
		return nil, apiError(op, about, err)
	}
	defer stream.Close()
	body, err := io.ReadAll(io.LimitReader(stream, mostBody+1))
	if err != nil {
		return nil, apiError(op, about, err)
	}
	if len(body) > mostBody {
		return nil, &Error{Kind: Invalid, Op: op, Object: about, Message: redact.F("The answer is longer than %d MiB; narrow it with a name or a label.", mostBody>>20)}
	}
	return body, nil
}

// objects are what a command found of one kind.
type objects struct {
	mapping
	columns []column
	rows    []row
	// missing are names that were asked for and do not exist.
	missing []string
	// truncated: there are more than were read.
	truncated bool
	// unread: they could not be read, so that no rows does not mean none.
	unread bool
}

type column struct {
	name string
	wide bool // only shown by -o wide
}

// row is one object: how the server prints it, and its JSON.
type row struct {
	cells           []any
	raw             json.RawMessage
	namespace, name string
	labels          map[string]string
	// object is raw without what must not leave this package; nil when raw cannot be read.
	object map[string]any
}

// wire is a Table or a list as it comes; anything may be missing or odd.
type wire struct {
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Columns []struct {
		Name     string `json:"name"`
		Priority int32  `json:"priority"`
	} `json:"columnDefinitions"`
	Rows []struct {
		Cells  []any           `json:"cells"`
		Object json.RawMessage `json:"object"`
	} `json:"rows"`
	Items []json.RawMessage `json:"items"`
}

// list reads the objects of one kind in some namespaces, or by their names.
func (in inquiry) list(ctx context.Context, m mapping, namespaces, names []string, labels, fields string) (out objects, err error) {
	out = objects{mapping: m}
	if !m.namespaced {
		namespaces = []string{""}
	}
	if m.group == "" && m.resource == "persistentvolumes" {
		defer in.ownVolumes(&out)
	}
	for _, ns := range namespaces {
		if content.IsPathSegmentName(ns) != nil {
			return out, &Error{Kind: Invalid, Op: "read " + m.resource, Message: redact.F("%q is not the name of a namespace.", ns)}
		}
		if len(names) == 0 {
			if err := in.listPage(ctx, &out, ns, labels, fields); err != nil {
				return out, err
			}
			continue
		}
		for _, name := range names {
			if name == "" || content.IsPathSegmentName(name) != nil {
				return out, &Error{Kind: Invalid, Op: "read " + m.resource, Message: redact.F("%q is not the name of an object.", name)}
			}
			body, err := in.c.fetch(ctx, "read "+m.resource, placeOf(scope{namespace: ns}), m.url(ns, name), map[string]string{"includeObject": "Object"}, tableType)
			if apierrors.IsNotFound(err) {
				out.missing = append(out.missing, name)
				continue
			}
			if err == nil {
				err = out.add(body, true)
			}
			if err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

func (in inquiry) listPage(ctx context.Context, out *objects, namespace, labels, fields string) error {
	params := map[string]string{"includeObject": "Object", "limit": strconv.Itoa(most)}
	if labels != "" {
		params["labelSelector"] = labels
	}
	if fields != "" {
		params["fieldSelector"] = fields
	}
	body, err := in.c.fetch(ctx, "read "+out.resource, placeOf(scope{namespace: namespace}), out.url(namespace, ""), params, tableType)
	if err != nil {
		return err
	}
	return out.add(body, false)
}

// add reads one answer. What is no table becomes one with name and age, as kubectl prints it.
func (o *objects) add(body []byte, one bool) error {
	var w wire
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&w); err != nil {
		return &Error{Kind: Internal, Op: "read " + o.resource, Err: err, Message: redact.Const("The API server's answer cannot be read.")}
	}
	o.truncated = o.truncated || w.Metadata.Continue != ""
	if len(w.Columns) == 0 {
		items := w.Items
		if one {
			items = []json.RawMessage{body}
		}
		o.setColumns([]column{{name: "Name"}, {name: "Age"}})
		for _, raw := range items {
			r := o.rowOf(raw)
			r.cells = []any{r.name, ageCell(r.object)}
			o.rows = append(o.rows, r)
		}
		return nil
	}
	columns := make([]column, len(w.Columns))
	for i, c := range w.Columns {
		columns[i] = column{name: c.Name, wide: c.Priority != 0}
	}
	o.setColumns(columns)
	for _, each := range w.Rows {
		r := o.rowOf(each.Object)
		r.cells = each.Cells
		if r.name == "" && len(r.cells) > 0 {
			r.name = cellText(r.cells[0])
		}
		o.rows = append(o.rows, r)
	}
	return nil
}

func (o *objects) setColumns(c []column) {
	if len(o.columns) == 0 {
		o.columns = c
	}
}

func (o *objects) rowOf(raw json.RawMessage) row {
	r := row{raw: raw, object: concealed(o.mapping, raw)}
	m, _ := r.object["metadata"].(map[string]any)
	r.namespace, _ = m["namespace"].(string)
	r.name, _ = m["name"].(string)
	labels, _ := m["labels"].(map[string]any)
	r.labels = map[string]string{}
	for k, v := range labels {
		r.labels[k], _ = v.(string)
	}
	return r
}

// decoded are the objects as T; what cannot be read as one is left out.
func decoded[T any](o objects) []*T {
	var out []*T
	for _, r := range o.rows {
		t := new(T)
		if len(r.raw) > 0 && json.Unmarshal(r.raw, t) == nil {
			out = append(out, t)
		}
	}
	return out
}

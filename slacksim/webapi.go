package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Call is one Web API call as it came in and was answered.
type Call struct {
	Method string          `json:"method"`
	Args   map[string]any  `json:"args"`
	Status int             `json:"status"`
	Answer json.RawMessage `json:"answer"`
	At     time.Time       `json:"at"`
	// Fault names the injected fault that hit this call, if one did.
	Fault string `json:"fault,omitempty"`
}

// Error is the answer's error code, "" when the call succeeded.
func (c Call) Error() string {
	var body struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(c.Answer, &body) // a body that is no JSON has no error code
	return body.Error
}

// serveMethod answers /api/METHOD.
func (w *Workspace) serveMethod(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	args, token, argErr := readArgs(r)
	record := Call{Method: name, Args: args, At: w.cfg.Now()}

	w.mu.Lock()
	fault := w.takeFault(name)
	w.mu.Unlock()
	if fault != nil {
		record.Fault = fault.Kind
		if fault.Kind == FaultDelay {
			select {
			case <-time.After(time.Duration(fault.DelayMS) * time.Millisecond):
			case <-r.Context().Done():
			}
		}
	}

	w.mu.Lock()
	status, header, body := fault.instead()
	if status == 0 {
		status, header, body = w.answerCall(name, args, token, argErr, "http://"+r.Host)
	}
	record.Status = status
	if record.Answer = body; !json.Valid(body) {
		record.Answer, _ = json.Marshal(string(body)) // a string always marshals
	}
	w.calls = recent(append(w.calls, record))
	w.notify()
	w.mu.Unlock()

	if fault != nil && fault.Kind == FaultLostAnswer {
		panic(http.ErrAbortHandler) // the connection ends without an answer, after the work was done
	}
	for k, v := range header {
		rw.Header()[k] = v
	}
	if fault != nil && fault.Kind == FaultNoContentType {
		rw.Header()["Content-Type"] = nil // a nil value keeps net/http from guessing one
	}
	rw.WriteHeader(status)
	_, _ = rw.Write(body) // the caller is gone: nobody to tell
}

// answerCall runs one call. The caller holds w.mu.
func (w *Workspace) answerCall(name string, args map[string]any, token string, argErr error, origin string) (int, http.Header, []byte) {
	m, known := w.methods[name]
	if !known {
		return reply(nil, &refusal{code: "unknown_method", fields: answer{"req_method": name}})
	}
	if argErr != nil {
		return reply(nil, argErr)
	}
	if err := w.authorize(m, token); err != nil {
		return reply(nil, err)
	}
	where, _ := scalar(args["channel"])
	if wait := w.limited(name, m, where); wait > 0 {
		return tooMany(retryAfter(wait))
	}
	if err := checkArgs(m, args); err != nil {
		return reply(nil, err)
	}
	return reply(m.run(&call{Workspace: w, name: name, method: m, args: args, origin: origin}))
}

func reply(body answer, err error) (int, http.Header, []byte) {
	out := answer{"ok": err == nil}
	for k, v := range body {
		out[k] = v
	}
	var no *refusal
	switch {
	case errors.As(err, &no):
		out["error"] = no.code
		for k, v := range no.fields {
			out[k] = v
		}
		if no.messages != nil {
			out["errors"] = no.messages
			out["response_metadata"] = answer{"messages": no.messages}
		}
	case err != nil:
		out["error"], out["detail"] = "internal_error", err.Error()
	}
	raw, err := json.Marshal(out)
	if err != nil {
		raw = fmt.Appendf(nil, `{"ok":false,"error":"internal_error","detail":%q}`, err)
	}
	return http.StatusOK, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, raw
}

func tooMany(seconds int) (int, http.Header, []byte) {
	_, header, body := reply(nil, refuse("ratelimited"))
	header.Set("Retry-After", strconv.Itoa(seconds))
	return http.StatusTooManyRequests, header, body
}

func apiTest(c *call) (answer, error) {
	if c.has("error") {
		return nil, &refusal{code: c.str("error"), fields: answer{"args": c.args}}
	}
	return answer{"args": c.args}, nil
}

func authTest(c *call) (answer, error) {
	return answer{
		"url": "https://" + c.cfg.Team.Domain + ".slack.com/", "team": c.cfg.Team.Name, "team_id": c.cfg.Team.ID,
		"user": c.cfg.App.Name, "user_id": c.cfg.App.BotUserID, "bot_id": c.cfg.App.BotID, "is_enterprise_install": false,
	}, nil
}

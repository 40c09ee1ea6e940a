package slacksim_test

// fact is what Slack's Web API reference says of one method, written down once more and apart from the table under test.
type fact struct {
	args     object // a call that works
	required string
	scope    string // "" means that any bot token will do
	private  string // the scope for private channels where it is another one
	outside  string // the error in a public channel that the app is not in; "" means it works there
	archived string // the error in an archived channel; "" means it works there
}

const (
	opsID    = "C0OPS00001" // the app is in it
	aliceID  = "U0ALICE001"
	postedTS = "POSTED" // stands for a message of the app's in the channel
)

// facts holds every method of the simulator. CHANNEL stands for the channel that the case is about.
func facts() map[string]fact {
	view := object{"type": "modal", "title": plain("Restart"), "blocks": []any{}}
	home := object{"type": "home", "blocks": []any{}}
	ch := func(more ...any) object {
		out := object{"channel": "CHANNEL"}
		for i := 0; i < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return out
	}
	mark := func(more ...any) object {
		out := ch(more...)
		out["channel_id"] = out["channel"]
		delete(out, "channel")
		return out
	}
	return map[string]fact{
		"api.test":              {args: object{}},
		"auth.test":             {args: object{}},
		"apps.connections.open": {args: object{}},

		"chat.postMessage":   {args: ch("text", "hi"), required: "channel", scope: "chat:write", archived: "is_archived"},
		"chat.postEphemeral": {args: ch("user", aliceID, "text", "hi"), required: "channel user", scope: "chat:write", outside: "not_in_channel", archived: "is_archived"},
		"chat.update":        {args: ch("ts", postedTS, "text", "hi"), required: "channel ts", scope: "chat:write", archived: "is_inactive"},
		"chat.delete":        {args: ch("ts", postedTS), required: "channel ts", scope: "chat:write"},
		"chat.getPermalink":  {args: ch("message_ts", postedTS), required: "channel message_ts"},

		"conversations.create":     {args: object{"name": "inc-1"}, required: "name", scope: "channels:manage"},
		"conversations.info":       {args: ch(), required: "channel", scope: "channels:read", private: "groups:read"},
		"conversations.list":       {args: object{}, scope: "channels:read"},
		"conversations.members":    {args: ch(), required: "channel", scope: "channels:read", private: "groups:read"},
		"conversations.invite":     {args: ch("users", "U0FRANK001"), required: "channel users", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.join":       {args: ch(), required: "channel", scope: "channels:join", archived: "is_archived"},
		"conversations.open":       {args: object{"users": aliceID}, scope: "im:write"},
		"conversations.rename":     {args: ch("name", "renamed"), required: "channel name", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.setTopic":   {args: ch("topic", "t"), required: "channel topic", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.setPurpose": {args: ch("purpose", "p"), required: "channel purpose", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.archive":    {args: ch(), required: "channel", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "already_archived"},
		"conversations.unarchive":  {args: ch(), required: "channel", scope: "channels:manage", private: "groups:write", outside: "not_archived"},
		"conversations.history":    {args: ch(), required: "channel", scope: "channels:history", private: "groups:history", outside: "not_in_channel"},
		"conversations.replies":    {args: ch("ts", postedTS), required: "channel ts", scope: "channels:history", private: "groups:history", outside: "not_in_channel"},
		"users.conversations":      {args: object{}, scope: "channels:read"},

		"views.open":    {args: object{"trigger_id": "TRIGGER", "view": view}, required: "trigger_id view"},
		"views.push":    {args: object{"trigger_id": "TRIGGER", "view": view}, required: "trigger_id view"},
		"views.update":  {args: object{"view_id": "VIEW", "view": view}, required: "view"},
		"views.publish": {args: object{"user_id": aliceID, "view": home}, required: "user_id view"},

		"files.getUploadURLExternal":   {args: object{"filename": "a.log", "length": 3}, required: "filename length", scope: "files:write"},
		"files.completeUploadExternal": {args: mark("files", []any{object{"id": "FILE"}}), required: "files", scope: "files:write", outside: "not_in_channel", archived: "is_archived"},
		"files.list":                   {args: object{"channel": opsID}, scope: "files:read"},
		"files.info":                   {args: object{"file": "FILE"}, required: "file", scope: "files:read"},

		"canvases.create":               {args: object{"title": "t"}, scope: "canvases:write"},
		"canvases.edit":                 {args: object{"canvas_id": "CANVAS", "changes": []any{object{"operation": "replace", "document_content": object{"type": "markdown", "markdown": "x"}}}}, required: "canvas_id changes", scope: "canvases:write"},
		"conversations.canvases.create": {args: mark("title", "t"), required: "channel_id", scope: "canvases:write", outside: "not_in_channel"},

		"pins.add":    {args: ch("timestamp", postedTS), required: "channel", scope: "pins:write", outside: "not_in_channel", archived: "is_archived"},
		"pins.remove": {args: ch("timestamp", "PINNED"), required: "channel", scope: "pins:write", outside: "not_in_channel", archived: "is_archived"},
		"pins.list":   {args: ch(), required: "channel", scope: "pins:read", outside: "not_in_channel"},

		"bookmarks.add":    {args: mark("title", "t", "type", "link", "link", "https://example.com"), required: "channel_id title type", scope: "bookmarks:write", outside: "permission_denied"},
		"bookmarks.edit":   {args: mark("bookmark_id", "BOOKMARK", "title", "u"), required: "bookmark_id channel_id", scope: "bookmarks:write", outside: "permission_denied"},
		"bookmarks.remove": {args: mark("bookmark_id", "BOOKMARK"), required: "bookmark_id channel_id", scope: "bookmarks:write", outside: "permission_denied"},
		"bookmarks.list":   {args: mark(), required: "channel_id", scope: "bookmarks:read", outside: "permission_denied"},

		"reactions.add":    {args: ch("timestamp", postedTS, "name", "eyes"), required: "channel name timestamp", scope: "reactions:write", outside: "not_in_channel", archived: "is_archived"},
		"reactions.remove": {args: ch("timestamp", "REACTED", "name", "tada"), required: "name", scope: "reactions:write", outside: "not_in_channel", archived: "is_archived"},
		"reactions.get":    {args: ch("timestamp", postedTS), scope: "reactions:read", outside: "channel_not_found"},
		"reactions.list":   {args: object{}, scope: "reactions:read"},

		"usergroups.list":       {args: object{}, scope: "usergroups:read"},
		"usergroups.users.list": {args: object{"usergroup": "S0ONCALL01"}, required: "usergroup", scope: "usergroups:read"},
		"users.info":            {args: object{"user": aliceID}, required: "user", scope: "users:read"},
		"users.list":            {args: object{}, scope: "users:read"},
		"users.lookupByEmail":   {args: object{"email": "alice@example.com"}, required: "email", scope: "users:read.email"},
		"bots.info":             {args: object{"bot": "B0SVCDOWN1"}, scope: "users:read"},
		"team.info":             {args: object{}, scope: "team:read"},
	}
}

func plain(text string) object { return object{"type": "plain_text", "text": text} }

package slacksim

import "strings"

// The facts below (arguments, which of them are required, scopes, rate tiers, error codes) are those of Slack's Web
// API reference, https://docs.slack.dev/reference/methods.

// method is one row of the table that the validator works from.
type method struct {
	// token is the kind of token the method takes.
	token tokenKind
	// scopes is what the token needs.
	scopes scopes
	// tier is the rate limit.
	tier tier
	// args are the accepted arguments.
	args map[string]arg
	// outside is the error for a public channel that the app is not in; "" means membership does not matter.
	outside string
	// archived is the error for an archived channel; "" means it does not matter.
	archived string

	run func(*call) (answer, error)
}

type tokenKind int

const (
	botToken tokenKind = iota
	appToken
)

// scopes lists alternatives: any one word of a list is enough. Methods on conversations need another scope for each
// kind of conversation.
type scopes struct {
	all                 []string
	public, private, im []string
}

func (s scopes) empty() bool { return len(s.all)+len(s.public)+len(s.private)+len(s.im) == 0 }

// anyOf is every scope that could be enough.
func (s scopes) anyOf() []string {
	var out []string
	for _, list := range [][]string{s.all, s.public, s.private, s.im} {
		out = append(out, list...)
	}
	return out
}

// forKind is what a conversation of that kind needs.
func (s scopes) forKind(kind string) []string {
	switch {
	case s.all != nil:
		return s.all
	case kind == "im":
		return s.im
	case kind == "private_channel":
		return s.private
	default:
		return s.public
	}
}

func needs(scope string) scopes { return scopes{all: []string{scope}} }

// perKind spells the three scopes of a family: channels:X for public channels, groups:X and im:X for the others.
func perKind(public, other string) scopes {
	return scopes{
		public:  []string{"channels:" + public},
		private: []string{"groups:" + other},
		im:      []string{"im:" + other},
	}
}

// or adds alternatives of the form channels:X, groups:X.
func (s scopes) or(x string) scopes {
	s.public = append(s.public, "channels:"+x)
	s.private = append(s.private, "groups:"+x)
	return s
}

// arg is one argument of a method.
type arg struct {
	kind     argKind
	required bool
}

type argKind string

const (
	argString argKind = "string"
	argBool   argKind = "boolean"
	argInt    argKind = "integer"
	argJSON   argKind = "json" // an object or an array, as JSON or as a string with JSON in it
	argList   argKind = "list" // words with commas between them, or an array
)

// args reads a row's arguments: "name" is a string, "name:kind" another kind, "!" marks the required ones.
func args(spec string) map[string]arg {
	out := map[string]arg{}
	for word := range strings.FieldsSeq(spec) {
		word, required := strings.CutSuffix(word, "!")
		name, kind, typed := strings.Cut(word, ":")
		a := arg{kind: argString, required: required}
		if typed {
			a.kind = argKind(kind)
		}
		out[name] = a
	}
	return out
}

const (
	paging      = " cursor limit:integer"
	content     = " text blocks:json attachments:json markdown_text parse link_names:boolean as_user:boolean"
	author      = " username icon_emoji icon_url"
	historyArgs = "channel! latest oldest inclusive:boolean include_all_metadata:boolean metadata_keys_to_include:json" + paging
)

// webMethods is the table. A method that is not in it answers unknown_method.
func webMethods() map[string]method {
	manage := perKind("manage", "write")
	read := perKind("read", "read")
	history := perKind("history", "history")
	post := needs("chat:write")
	files := needs("files:write")
	return map[string]method{
		"api.test":              {tier: tier4, args: args("error foo"), run: apiTest},
		"auth.test":             {tier: tierAuth, args: args(""), run: authTest},
		"apps.connections.open": {token: appToken, tier: tier3, args: args(""), run: openConnection},

		"chat.postMessage": {scopes: post, tier: tierPost, outside: "not_in_channel", archived: "is_archived", run: postMessage,
			args: args("channel! thread_ts reply_broadcast:boolean metadata:json mrkdwn:boolean unfurl_links:boolean unfurl_media:boolean" + content + author)},
		"chat.postEphemeral": {scopes: post, tier: tier4, outside: "not_in_channel", archived: "is_archived", run: postEphemeral,
			args: args("channel! user! thread_ts" + content + author)},
		"chat.update": {scopes: post, tier: tier3, run: updateMessage, archived: "is_inactive",
			args: args("channel! ts! file_ids:json metadata:json reply_broadcast:boolean unfurled_attachments:json" + content)},
		"chat.delete":       {scopes: post, tier: tier3, args: args("channel! ts! as_user:boolean"), run: deleteMessage},
		"chat.getPermalink": {tier: tierPermalink, args: args("channel! message_ts!"), run: getPermalink},

		"conversations.create":     {scopes: manage, tier: tier2, args: args("name! is_private:boolean team_id"), run: createChannel},
		"conversations.info":       {scopes: read, tier: tier3, args: args("channel! include_locale:boolean include_num_members:boolean"), run: channelInfo},
		"conversations.list":       {scopes: read, tier: tier2, args: args("types:list exclude_archived:boolean team_id" + paging), run: listChannels},
		"conversations.members":    {scopes: read, tier: tier4, args: args("channel!" + paging), run: channelMembers},
		"conversations.invite":     {scopes: manage.or("write.invites"), tier: tier3, args: args("channel! users:list! force:boolean"), outside: "not_in_channel", archived: "is_archived", run: inviteToChannel},
		"conversations.join":       {scopes: needs("channels:join"), tier: tier3, args: args("channel!"), archived: "is_archived", run: joinChannel},
		"conversations.open":       {scopes: manage, tier: tier3, args: args("channel users:list return_im:boolean prevent_creation:boolean"), run: openChannel},
		"conversations.rename":     {scopes: manage, tier: tier2, args: args("channel! name!"), outside: "not_in_channel", archived: "is_archived", run: renameChannel},
		"conversations.setTopic":   {scopes: manage.or("write.topic"), tier: tier2, args: args("channel! topic!"), outside: "not_in_channel", archived: "is_archived", run: setTopic},
		"conversations.setPurpose": {scopes: manage.or("write.topic"), tier: tier2, args: args("channel! purpose!"), outside: "not_in_channel", archived: "is_archived", run: setPurpose},
		"conversations.archive":    {scopes: manage, tier: tier2, args: args("channel!"), outside: "not_in_channel", archived: "already_archived", run: archiveChannel},
		"conversations.unarchive":  {scopes: manage, tier: tier2, args: args("channel!"), run: unarchiveChannel},
		"conversations.history":    {scopes: history, tier: tier3, args: args(historyArgs), outside: "not_in_channel", run: channelHistory},
		"conversations.replies":    {scopes: history, tier: tier3, args: args("ts! " + historyArgs), outside: "not_in_channel", run: threadReplies},
		"users.conversations":      {scopes: read, tier: tier3, args: args("user types:list exclude_archived:boolean team_id" + paging), run: userChannels},

		"views.open":    {tier: tier4, args: args("trigger_id! view:json! interactivity_pointer"), run: openView},
		"views.push":    {tier: tier4, args: args("trigger_id! view:json! interactivity_pointer"), run: pushView},
		"views.update":  {tier: tier4, args: args("view:json! view_id external_id hash"), run: updateView},
		"views.publish": {tier: tier4, args: args("user_id! view:json! hash"), run: publishView},

		"files.getUploadURLExternal": {scopes: files, tier: tier4, args: args("filename! length:integer! alt_txt snippet_type"), run: getUploadURL},
		"files.completeUploadExternal": {scopes: files, tier: tier4, outside: "not_in_channel", archived: "is_archived", run: completeUpload,
			args: args("files:json! channel_id channels:list thread_ts initial_comment blocks:json")},
		"files.list": {scopes: needs("files:read"), tier: tier3, args: args("channel user count:integer page:integer team_id"), run: listFiles},
		"files.info": {scopes: needs("files:read"), tier: tier4, args: args("file! count:integer page:integer" + paging), run: fileInfo},

		"canvases.create":               {scopes: needs("canvases:write"), tier: tier2, args: args("title channel_id document_content:json"), outside: "not_in_channel", run: createCanvas},
		"canvases.edit":                 {scopes: needs("canvases:write"), tier: tier3, args: args("canvas_id! changes:json!"), run: editCanvas},
		"conversations.canvases.create": {scopes: needs("canvases:write"), tier: tier2, args: args("channel_id! title document_content:json"), outside: "not_in_channel", run: createChannelCanvas},

		"pins.add":    {scopes: needs("pins:write"), tier: tier2, args: args("channel! timestamp"), outside: "not_in_channel", archived: "is_archived", run: addPin},
		"pins.remove": {scopes: needs("pins:write"), tier: tier2, args: args("channel! timestamp"), outside: "not_in_channel", archived: "is_archived", run: removePin},
		"pins.list":   {scopes: needs("pins:read"), tier: tier2, args: args("channel!"), outside: "not_in_channel", run: listPins},

		"bookmarks.add":    {scopes: needs("bookmarks:write"), tier: tier2, args: args("channel_id! title! type! link emoji entity_id parent_id access_level"), outside: "permission_denied", run: addBookmark},
		"bookmarks.edit":   {scopes: needs("bookmarks:write"), tier: tier2, args: args("channel_id! bookmark_id! title link emoji"), outside: "permission_denied", run: editBookmark},
		"bookmarks.remove": {scopes: needs("bookmarks:write"), tier: tier2, args: args("channel_id! bookmark_id! quip_section_id"), outside: "permission_denied", run: removeBookmark},
		"bookmarks.list":   {scopes: needs("bookmarks:read"), tier: tier3, args: args("channel_id!"), outside: "permission_denied", run: listBookmarks},

		"reactions.add":    {scopes: needs("reactions:write"), tier: tier3, args: args("channel! timestamp! name!"), outside: "not_in_channel", archived: "is_archived", run: addReaction},
		"reactions.remove": {scopes: needs("reactions:write"), tier: tier2, args: args("channel timestamp name! file file_comment"), outside: "not_in_channel", archived: "is_archived", run: removeReaction},
		"reactions.get":    {scopes: needs("reactions:read"), tier: tier3, args: args("channel timestamp file file_comment full:boolean"), outside: "channel_not_found", run: getReactions},
		"reactions.list":   {scopes: needs("reactions:read"), tier: tier2, args: args("user full:boolean count:integer page:integer team_id" + paging), run: listReactions},

		"usergroups.list":       {scopes: needs("usergroups:read"), tier: tier2, args: args("include_count:boolean include_disabled:boolean include_users:boolean team_id"), run: listUsergroups},
		"usergroups.users.list": {scopes: needs("usergroups:read"), tier: tier2, args: args("usergroup! include_disabled:boolean team_id"), run: listUsergroupUsers},
		"users.info":            {scopes: needs("users:read"), tier: tier4, args: args("user! include_locale:boolean"), run: userInfo},
		"users.list":            {scopes: needs("users:read"), tier: tier2, args: args("include_locale:boolean team_id" + paging), run: listUsers},
		"users.lookupByEmail":   {scopes: needs("users:read.email"), tier: tier3, args: args("email!"), run: lookupByEmail},
		"bots.info":             {scopes: needs("users:read"), tier: tier3, args: args("bot team_id"), run: botInfo},
		"team.info":             {scopes: needs("team:read"), tier: tier3, args: args("team domain"), run: teamInfo},
	}
}

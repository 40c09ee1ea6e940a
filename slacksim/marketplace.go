package slacksim

// Marketplace is the workspace of the demo: the team behind the Web3 Marketplace, one guest, one person of another
// company, and svcdown installed with every scope it asks for.
func Marketplace() Config {
	everyone := []string{"alice", "bob", "carol"}
	return Config{
		Team: Team{ID: "T0MARKET01", Name: "Web3 Marketplace", Domain: "web3-marketplace"},
		Users: []User{
			{ID: "U0ALICE001", Name: "alice", RealName: "Alice Ito", Title: "On-call engineer", Email: "alice@example.com", Color: "2f7d6d"},
			{ID: "U0BOB00001", Name: "bob", RealName: "Bob Meyer", Title: "Senior engineer", Email: "bob@example.com", Color: "4b6cb7"},
			{ID: "U0CAROL001", Name: "carol", RealName: "Carol Diaz", Title: "Engineering manager", Email: "carol@example.com", Color: "a8508c"},
			{ID: "U0DAVE0001", Name: "dave", RealName: "Dave Kern", Title: "Guest", Email: "dave@example.com", Color: "b0762c", IsRestricted: true},
			{ID: "U0ERIN0001", TeamID: "T0VENDOR01", Name: "erin", RealName: "Erin Wolf", Title: "Vendor support", Email: "erin@vendor.example", Color: "7a5fb0"},
		},
		Channels: []Channel{
			{ID: "C0OPS00001", Name: "ops", Topic: "Operations of web3-marketplace-prod", Members: append([]string{"dave", "svcdown"}, everyone...)},
			{ID: "C0INCIDENT", Name: "incidents", Topic: "Open incidents", Members: append([]string{"svcdown"}, everyone...)},
			{ID: "C0GENERAL1", Name: "general", Topic: "Company-wide announcements", Members: everyone},
			{ID: "C0VENDOR01", Name: "vendor-shared", Topic: "Shared with our vendor", IsExtShared: true, Members: append([]string{"erin", "svcdown"}, everyone...)},
		},
		Usergroups: []Usergroup{
			{ID: "S0ONCALL01", Handle: "oncall", Name: "On call", Users: []string{"alice"}},
			{ID: "S0SENIORS1", Handle: "seniors", Name: "Senior engineers", Users: []string{"bob"}},
		},
		App: App{
			ID: "A0SVCDOWN1", Name: "svcdown", BotUserID: "U0SVCDOWN1", BotID: "B0SVCDOWN1",
			BotToken: "xoxb-sim-svcdown", AppToken: "xapp-sim-svcdown",
			Scopes: []string{
				"app_mentions:read", "bookmarks:read", "bookmarks:write", "canvases:write", "channels:history",
				"channels:join", "channels:manage", "channels:read", "chat:write", "chat:write.public", "commands",
				"files:read", "files:write", "groups:history", "groups:read", "groups:write", "im:history", "im:write",
				"pins:read", "pins:write", "reactions:read", "reactions:write", "team:read", "usergroups:read",
				"users:read", "users:read.email",
			},
			Commands: []Command{{
				Command: "/svcdown", Description: "Run the Service Down runbook", UsageHint: "status SERVICE",
				Completions: []string{
					"status", "triage", "changes", "check", "verify", "perf", "harden", "logs", "preflight", "runbooks", "runbook", "step", "restart", "scale",
					"rollback", "undo", "debug", "delete-pod", "apply", "silence", "update", "retry", "approvals", "approve", "deny", "break-glass", "review", "incident",
					"incidents", "ack", "assign", "severity", "duty", "note", "investigating", "identified", "monitoring", "resolve", "reopen", "close",
					"escalate", "page", "postmortem", "action", "actions", "lesson", "report", "oncall", "contacts", "services", "whoami", "help",
				},
			}},
			Shortcuts: []string{"incident_open", "incident_from_message", "message_to_timeline", "message_to_runbook"},
			Events: []string{
				"app_home_opened", "app_mention", "channel_archive", "channel_rename", "member_joined_channel",
				"member_left_channel", "message.channels", "message.groups", "message.im", "reaction_added",
				"reaction_removed", "subteam_members_changed", "subteam_updated", "team_join", "user_change",
			},
		},
	}
}

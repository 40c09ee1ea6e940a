// Package slacksim is a Slack workspace on localhost: the Web API and Socket Mode on one listener, the people who
// use it on another.
//
// It answers as strictly as Slack does, so that a bot which works here works there, and it can be told to fail in
// the ways Slack fails. It speaks wire JSON only and never imports a Slack client library: a client and a server
// that share one library would share its misreadings too.
//
// All methods of Workspace are safe for concurrent use.
package slacksim

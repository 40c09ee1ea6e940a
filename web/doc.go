// Package web is what the bot serves over HTTP: health, metrics and the terminal's API.
package web

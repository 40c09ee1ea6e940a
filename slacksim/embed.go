package slacksim

import "embed"

// page is the people's web page: plain files, no build step.
//
//go:embed page
var page embed.FS

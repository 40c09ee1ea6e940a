// Package runbooks holds the runbooks that come with the product.
package runbooks

import (
	"embed"
	"io/fs"
)

//go:embed *.md
var files embed.FS

// Files are the shipped Markdown documents, all in one folder.
func Files() fs.FS { return files }

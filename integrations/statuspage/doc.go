// Package statuspage tells customers what is wrong on a status page.
package statuspage

// Package plan holds a Plan: one action bound to one live object, with its digest, its blast radius and its undo.
package plan

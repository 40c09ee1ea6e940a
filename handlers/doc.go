// Package handlers holds the use cases: one file for each thing that a person can ask or click, and the bodies of the jobs behind them.
package handlers

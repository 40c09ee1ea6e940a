// Package plot draws figures over time as a picture.
package plot

package main

import (
	"fmt"
	"math"
	"strings"
)

const (
	plotLeft, plotWidth = 520, 420
	plotStep, plotTop   = 24, 44
	plotFrom, plotTo    = 0.001, 10.0 // of the target
)

// draw shows every figure that has a target as a share of it, on a log scale: what ends left of the line is met.
func draw(rows []row) string {
	var bars []row
	for _, r := range rows {
		if r.target > 0 {
			bars = append(bars, r)
		}
	}
	var b strings.Builder
	height := plotTop + plotStep*len(bars) + 36
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", plotLeft+plotWidth+150, height)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n" + `<text x="12" y="22" font-size="15" font-weight="bold">svcdown: share of each target that is used (log scale; what ends left of the dark line is met)</text>` + "\n")
	for _, share := range []float64{0.001, 0.01, 0.1, 1, 10} {
		colour, width := "#ddd", 1
		if share == 1 {
			colour, width = "#333", 2
		}
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s" stroke-width="%d"/>`+"\n", across(share), across(share), plotTop-8, height-28, colour, width)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%g ×</text>`+"\n", across(share), height-10, share)
	}
	for i, r := range bars {
		y, colour := plotTop+i*plotStep, "#2f7d4f"
		if r.value > r.target {
			colour = "#b3372f"
		}
		label := r.what
		if r.world != "" {
			label += " (" + r.world + ")"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft-8, y+12, label)
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="14" fill="%s"/>`+"\n", plotLeft, y, across(r.value/r.target)-plotLeft, colour)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" fill="#333">%s of %s %s</text>`+"\n", across(plotTo)+12, y+12, number(r.value), number(r.target), r.unit)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func across(share float64) float64 {
	at := math.Log10(min(max(share, plotFrom*1.05), plotTo)/plotFrom) / math.Log10(plotTo/plotFrom)
	return plotLeft + at*plotWidth
}

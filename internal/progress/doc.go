// Package progress shows how far a long piece of work is: a bar that redraws
// itself on a terminal, a plain line every few seconds where there is none, and
// nothing at all when asked to be quiet.
//
// Adding to a bar costs one atomic addition, so that work in a tight loop can do
// so; drawing happens beside the work. A nil *Bar is a quiet one.
package progress

// Package footer reads the metadata at the end of a Parquet file, and writes those
// of a smaller file that holds some of its column chunks.
//
// Metadata come from outside: they are bounded before they are decoded, and refused
// where they do not hold together. Where they are rewritten, what a writer said of
// a column (its statistics, its types) stays byte for byte: a decoder that does not
// tell "no nulls" from "nulls not counted" would make wrong answers of it.
package footer

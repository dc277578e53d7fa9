// Package faultfs is a buffer.FS in memory for tests. Any single operation can
// be made to fail, the disk can be made to fill, and Crash gives what a power
// cut might have left: a random part of everything that was not synced is lost,
// sector by sector and name by name.
//
// It is harsher than common file systems. A failed write leaves a part of what
// it was to write. A failed fsync leaves pages that read back and are never
// written, whatever syncs follow. A failed operation on a name may have been
// carried out. Each change of a folder that was not synced is kept or lost by
// itself, whatever came before or after it.
package faultfs

// Package fetch keeps a bounded cache of remote objects as local files.
//
// An object is fetched whole, under a name made of its URI and ETag, so that a
// replaced object is another file. It is written aside and renamed, so a file
// under its name is complete. Queries that want the same object at once fetch
// it once. Files in use are never deleted; past the limit those that were not
// used for the longest time go. What one query needs is fetched whatever its
// size: the limit is what is kept, not what may be used.
//
// Nothing survives Open: the folder is wiped.
package fetch

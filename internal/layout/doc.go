// Package layout has nothing but a test that pins how the house is built: which of our
// packages may import which, and which one alone may import each heavy dependency.
package layout

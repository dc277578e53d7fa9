// Package jsonscan finds where a JSON value ends and whether it is valid, by
// RFC 8259 to the letter, at the speed of a receiver's hot path.
//
// What is valid here is valid everywhere in Sluice: a record that Object
// accepted never fails to parse later. Beyond the RFC's grammar, strings must
// be valid UTF-8, and arrays and objects nest at most MaxDepth deep. An escaped
// lone surrogate ("\ud800") is grammatical and accepted; what becomes of it is
// the converter's to say.
package jsonscan

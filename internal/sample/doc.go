// Package sample makes events for trying Sluice out: the same ones for the same
// kind and seed, on every platform, faster than Sluice takes them in.
//
// # Kinds
//
// "purchases" are a bookshop's sales, about 238 bytes each: 20,000 books, each
// with its title, author and genre (12 of them), some far more popular than
// others; 300,000 users, each with a country (60 of them) and an age;
// purchaseTimestamp in epoch seconds over 30 days from 2026-01-01.
//
// "segment" are Segment calls of all six types, nested, about 780 bytes each,
// over 30 days from 2026-01-01: from browsers and from phones, with null userIds,
// optional parts, arrays of objects, and prices such as 19.99. Times are RFC 3339
// in milliseconds.
//
// "nasa" are web requests in the likeness of NASA's log of 1995, about 140
// bytes each, timestamp in epoch seconds over the 31 days of August 1995.
//
// # Promises
//
//   - A kind and a seed give one sequence of events for ever, byte for byte: all
//     arithmetic is on integers, and golden hashes of the first 10,000 events of
//     each kind pin it. What is fixed about a book, user, product or host does not
//     depend on the seed, so that two seeds are two days in one shop.
//   - Event i of n falls into the i-th of n equal parts of the period, n being 1 GB
//     of events unless Spread says otherwise; later ones run on past its end. One
//     event in 50 is late, by up to ten minutes.
//   - Every event is one line: a JSON object in valid UTF-8, then '\n'. There are
//     escapes and letters beyond ASCII among the strings.
//   - AppendEvent does not allocate.
//
// Truth tells what a query over the events must answer.
package sample

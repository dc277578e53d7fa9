// Package clienttest runs the clients that people use, as they are published,
// against a server under test, and stands between the two to refuse what they send
// now and then.
//
// package.json pins the clients from npm, requirements.txt those from PyPI. .ci/run
// installs them and says where in TEST_NODE_MODULES and TEST_PYTHON; a test that
// misses one is skipped.
package clienttest

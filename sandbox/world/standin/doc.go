// Package standin holds the programs that exec finds in the world's containers:
// psql, redis-cli, curl and the like, with their real arguments, answers,
// messages and exit codes, over a View of the world instead of a network.
package standin

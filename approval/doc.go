// Package approval decides who may run a Plan and who must agree: the Request to run one Plan and its state machine, pure of storage and time.
package approval

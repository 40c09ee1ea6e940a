package handlers

// AskStep is askStep, which verbs of the package call.
var AskStep = (*Desk).askStep

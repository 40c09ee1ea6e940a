package steps_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/svcdown/svcdown/k8stest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := k8stest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the sandbox:", err)
		code = 1
	}
	os.Exit(code)
}

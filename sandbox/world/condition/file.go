package condition

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Path is the file that holds the state of one world.
func Path(dir, namespace string) string {
	return filepath.Join(dir, "world", namespace+".json")
}

// Load reads a world's state. A world in which nothing was ever broken has no
// file and an empty state.
func Load(dir, namespace string) (State, error) {
	state := State{Namespace: namespace}
	raw, err := os.ReadFile(Path(dir, namespace))
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return state, fmt.Errorf("read the world's state: %w", err)
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		return state, fmt.Errorf("read the world's state in %s: %w", Path(dir, namespace), err)
	}
	return state, nil
}

// Update changes a world's state while no other process does. When change
// answers an error, the file stays as it was. A reader sees the old state or
// the new one, never a part.
func Update(dir, namespace string, change func(*State) error) error {
	path := Path(dir, namespace)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keep the world's state: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the world's state: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the world's state: %w", err)
	}

	state, err := Load(dir, namespace)
	if err != nil {
		return err
	}
	if err := change(&state); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return fmt.Errorf("write the world's state: %w", err)
	}
	// The state holds what Heal puts back, so it must survive a crash whole.
	fresh := path + ".new"
	if err := os.WriteFile(fresh, raw, 0o600); err != nil {
		return fmt.Errorf("write the world's state: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("write the world's state: %w", err)
	}
	return nil
}

package k8sops

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// reference is one ConfigMap or Secret that a pod needs, or one key of it.
type reference struct {
	kind     string // ConfigMap or Secret
	name     string
	key      string // "" for all keys, or for none in particular
	use      string // "env DATABASE_URL", "every key as env", "volume certs", "image pull"
	optional bool
}

// referencesOf lists what a pod's containers and volumes refer to, each use once, in order of kind, name and key.
func referencesOf(spec corev1.PodSpec) []reference {
	var all []reference
	add := func(kind, name, key, use string, optional *bool) {
		r := reference{kind, name, key, use, optional != nil && *optional}
		if name != "" && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for _, k := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range k.Env {
			if e.ValueFrom == nil {
				continue
			}
			if c := e.ValueFrom.ConfigMapKeyRef; c != nil {
				add("ConfigMap", c.Name, c.Key, "env "+e.Name, c.Optional)
			}
			if s := e.ValueFrom.SecretKeyRef; s != nil {
				add("Secret", s.Name, s.Key, "env "+e.Name, s.Optional)
			}
		}
		for _, e := range k.EnvFrom {
			if c := e.ConfigMapRef; c != nil {
				add("ConfigMap", c.Name, "", "every key as env", c.Optional)
			}
			if s := e.SecretRef; s != nil {
				add("Secret", s.Name, "", "every key as env", s.Optional)
			}
		}
	}
	for _, v := range spec.Volumes {
		if c := v.ConfigMap; c != nil {
			volumeKeys(add, "ConfigMap", c.Name, v.Name, c.Items, c.Optional)
		}
		if s := v.Secret; s != nil {
			volumeKeys(add, "Secret", s.SecretName, v.Name, s.Items, s.Optional)
		}
		if v.Projected == nil {
			continue
		}
		for _, p := range v.Projected.Sources {
			if c := p.ConfigMap; c != nil {
				volumeKeys(add, "ConfigMap", c.Name, v.Name, c.Items, c.Optional)
			}
			if s := p.Secret; s != nil {
				volumeKeys(add, "Secret", s.Name, v.Name, s.Items, s.Optional)
			}
		}
	}
	for _, s := range spec.ImagePullSecrets {
		add("Secret", s.Name, "", "image pull", nil)
	}
	slices.SortStableFunc(all, func(a, b reference) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name), cmp.Compare(a.key, b.key))
	})
	return all
}

func volumeKeys(add func(kind, name, key, use string, optional *bool), kind, name, volume string, items []corev1.KeyToPath, optional *bool) {
	if len(items) == 0 {
		add(kind, name, "", "volume "+volume, optional)
	}
	for _, i := range items {
		add(kind, name, i.Key, "volume "+volume, optional)
	}
}

package handlers

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// setFor is how long a variable stays set where nobody says.
const setFor = 30 * time.Minute

// debug asks to set LOG_LEVEL to debug for a while.
func (d *Desk) debug(ctx context.Context, req Request) error {
	svc, err := d.service(req, "debug SERVICE")
	if err != nil {
		return err
	}
	after := setFor
	if typed, ok := req.Flags["for"]; ok {
		if after, err = time.ParseDuration(typed); err != nil {
			return &Problem{Code: "usage", Text: redact.F("%q is no time; nothing was done.", typed), Next: redact.Const("For example: debug SERVICE --for 30m")}
		}
	}
	return d.ask(ctx, req, d.settingEnv(ctx, svc, k8sops.EnvRequest{Key: catalog.DefaultSettable, Value: "debug", For: after}))
}

func (d *Desk) settingEnv(ctx context.Context, svc catalog.Service, r k8sops.EnvRequest) wish {
	byHand := ""
	if svc.MaySet(r.Key) {
		byHand = d.kubectl(svc, "set env "+object(svc)+" "+k8sops.Quoted(r.Key+"="+r.Value))
	}
	return wish{action: catalog.SetEnv, svc: svc, byHand: byHand,
		plan: func(cl Cluster, _ catalog.Policy, _ string) (plan.Plan, error) { return cl.PlanSetEnv(ctx, svc, r) }}
}

// unsetByHand takes the variables of a set-env back; they were the same in every container, or the first is named.
func (d *Desk) unsetByHand(svc catalog.Service, done plan.Plan) string {
	first := done.Before.Env[0]
	set := first.Key + "-"
	if first.Was != nil {
		set = first.Key + "=" + *first.Was
	}
	command := "set env " + object(svc) + " " + k8sops.Quoted(set)
	for _, v := range done.Before.Env[1:] {
		if (v.Was == nil) != (first.Was == nil) || v.Was != nil && *v.Was != *first.Was {
			command += " --containers=" + first.Container
			break
		}
	}
	return d.kubectl(svc, command)
}

// deletePod asks to delete one pod of a StatefulSet: the one named, or the only one.
func (d *Desk) deletePod(ctx context.Context, req Request) error {
	svc, err := d.service(req, "delete-pod SERVICE [POD]")
	if err != nil {
		return err
	}
	pod := ""
	if len(req.Args) > 1 {
		pod = req.Args[1]
	}
	return d.ask(ctx, req, d.deletingPod(ctx, svc, pod))
}

func (d *Desk) deletingPod(ctx context.Context, svc catalog.Service, pod string) wish {
	byHand := ""
	if pod != "" {
		byHand = d.kubectl(svc, "delete pod "+k8sops.Quoted(pod))
	}
	return wish{action: catalog.DeletePod, svc: svc, byHand: byHand,
		plan: func(cl Cluster, _ catalog.Policy, _ string) (plan.Plan, error) {
			return cl.PlanDeletePod(ctx, svc, pod)
		}}
}

// primaryApprovers is how many people must agree to the deletion of a database primary's pod, whatever less a policy asks for.
const primaryApprovers = 2

// guarded refuses a policy that asks for too little. It is asked before a request is made, at every vote, and right before the call.
func guarded(policy catalog.Policy, action catalog.Action, svc catalog.Service) (catalog.Policy, error) {
	if action != catalog.DeletePod || !svc.Database {
		return policy, nil
	}
	if n := policy.People(); n < primaryApprovers {
		return policy, &Problem{Code: "policy", Text: redact.F("%s is a database primary: deleting its pod takes %d people, and policy %q asks for %d. Nothing was done.",
			svc.Name, primaryApprovers, policy.Name, n),
			Next: redact.F("Write a policy above it in svcdown.yaml: {name: database-pods, actions: [delete-pod], services: [%s], mayAsk: […], approvals: [{count: 2, roles: […]}]}.", svc.Name)}
	}
	policy.BreakGlass = nil // one person alone never suffices
	return policy, nil
}

// applyManifest asks to run a reviewed manifest for a service.
func (d *Desk) applyManifest(ctx context.Context, req Request) error {
	svc, err := d.service(req, "apply SERVICE FILE")
	if err != nil {
		return err
	}
	if len(req.Args) < 2 {
		return &Problem{Code: "usage", Text: redact.Const("Which manifest? Nothing was done."), Next: redact.Const("Write `apply SERVICE FILE`, FILE below the folder of reviewed manifests.")}
	}
	return d.ask(ctx, req, d.applying(ctx, svc, req.Args[1]))
}

func (d *Desk) applying(ctx context.Context, svc catalog.Service, file string) wish {
	return wish{action: catalog.Apply, svc: svc, byHand: d.kubectl(svc, "apply -f "+k8sops.Quoted(file)),
		plan: func(cl Cluster, _ catalog.Policy, id string) (plan.Plan, error) {
			return d.planManifest(ctx, cl, svc, file, id)
		}}
}

// longestManifest bounds a manifest, in bytes.
const longestManifest = 256 << 10

// planManifest reads the file anew each time: the plan's digest covers its SHA-256, so that another content is another plan.
func (d *Desk) planManifest(ctx context.Context, cl Cluster, svc catalog.Service, file, id string) (plan.Plan, error) {
	allowed := d.Catalog().Manifests
	if allowed.Dir == "" {
		return plan.Plan{}, &Problem{Code: "manifest", Text: redact.Const("svcdown.yaml names no folder of reviewed manifests, so nothing is applied."),
			Next: redact.Const("Write manifests: {dir: …} there.")}
	}
	content, err := readBelow(allowed.Dir, file)
	if errors.Is(err, fs.ErrNotExist) {
		return plan.Plan{}, &Problem{Code: "manifest", Err: err, Text: redact.F("There is no manifest %q below the folder of reviewed manifests; nothing was applied.", file),
			Next: redact.Const("Put it there under this path (manifests.dir in svcdown.yaml; in the chart manifests.configMap, with the path under items), or correct the path.")}
	}
	if err != nil {
		return plan.Plan{}, &Problem{Code: "manifest", Err: err, Text: redact.F("I cannot read the manifest %q below the folder of reviewed manifests; nothing was applied.", file),
			Next: redact.Const("Write its path below that folder, without a leading /.")}
	}
	if len(content) > longestManifest {
		return plan.Plan{}, &Problem{Code: "manifest", Text: redact.F("The manifest %q is longer than %d KiB; nothing was applied.", file, longestManifest>>10)}
	}
	return cl.PlanApply(ctx, svc, k8sops.ApplyRequest{File: file, Content: content, Allowed: allowed, ID: id})
}

// readBelow reads a file of a folder. No name and no symbolic link leads out of it.
func readBelow(dir, file string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, os.ErrInvalid
	}
	return io.ReadAll(io.LimitReader(f, longestManifest+1))
}

package runbook_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/runbook"
)

// shipped is the directory of the runbooks that come with the product.
const shipped = "../runbooks"

func parseFile(t *testing.T, path string) *runbook.Runbook {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	book, err := runbook.Parse(filepath.Base(path), data)
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// told is a step on one line: its line, class, operation and arguments.
func told(s runbook.Step) string {
	out := fmt.Sprintf("%d %s", s.Line, s.Class)
	if s.Operation == nil {
		return out + " " + s.Reason
	}
	out += " " + s.Operation.String()
	for _, a := range s.Operation.Args {
		out += " " + a.Name
		if len(a.Value) > 0 {
			out += "=" + a.Value.String()
		}
	}
	for _, f := range s.Operation.Filters {
		out += " | " + f.String()
	}
	return out
}

func TestEveryCommandOfTheServiceDownRunbookIsTyped(t *testing.T) {
	t.Parallel()
	book := parseFile(t, filepath.Join(shipped, "service-down.md"))
	const ns = " namespace=web3-marketplace-prod"
	want := []string{
		"13 check get pods" + ns + " selector=app=<service-name>",
		"16 check get events" + ns + " sort-by=.lastTimestamp | tail -20",
		"19 check get endpoints" + ns + " name=<service-name>-service",
		"25 check describe pods" + ns + " name=<pod-name>",
		"28 check logs pods" + ns + " tail=100 name=<pod-name>",
		"31 check top pods" + ns,
		"37 action rollout restart deployments" + ns + " name=<deployment-name>",
		"40 action scale deployments replicas=<desired-count>" + ns + " name=<deployment-name>",
		"43 check rollout status deployments" + ns + " name=<deployment-name>",
		"51 check logs deployments" + ns + " previous name=<deployment-name>",
		"54 check describe nodes",
		"57 check get persistentvolumes,persistentvolumeclaims" + ns,
		"60 check get networkpolicies" + ns,
		"66 check exec psql deployments" + ns + " name=backend-deployment host=postgres-primary-service user=postgres database=web3marketplace sql=SELECT 1;",
		"70 check logs statefulsets" + ns + " name=postgres-primary",
		"76 check exec redis-cli deployments" + ns + " name=backend-deployment host=redis-master-service command=PING",
		"80 check exec curl deployments" + ns + " name=backend-deployment head url=https://api.external-service.com/health",
		"89 check exec node deployments" + ns + " name=backend-deployment variable=DATABASE_URL",
		"93 check get configmaps output=yaml name=web3-marketplace-config",
		"96 check secret references name=web3-marketplace-secrets",
		"99 action set env deployments" + ns + " name=backend-deployment pair=LOG_LEVEL=debug",
		"105 check exec ls deployments" + ns + " name=frontend-deployment long path=/app/.next/",
		"109 check exec curl deployments" + ns + " name=frontend-deployment head url=http://backend-service:3000/health",
		"113 check exec curl deployments" + ns + " name=frontend-deployment head url=http://localhost:3001/",
		"120 check exec pg_isready statefulsets" + ns + " name=postgres-primary user=postgres",
		"124 check exec df statefulsets" + ns + " name=postgres-primary path=/var/lib/postgresql/data",
		"128 check exec psql statefulsets" + ns + " name=postgres-primary user=postgres sql=SELECT * FROM pg_stat_replication;",
		"132 action delete pods" + ns + " name=postgres-primary-0",
		"138 check exec redis-cli statefulsets" + ns + " name=redis-master command=PING",
		"142 check exec redis-cli statefulsets" + ns + " name=redis-master command=INFO word=memory",
		"146 check exec redis-cli statefulsets" + ns + " name=redis-master command=CONFIG GET word=*",
		"150 action delete pods" + ns + " name=redis-master-0",
		"158 message slack message text=🚨 Service Down Alert: <service-name> is experiencing issues. Investigation in progress.",
		"163 message statuspage incident name=Service Disruption status=investigating impact_override=major",
		"180 check get pods" + ns,
		"183 check http probe url=https://api.web3marketplace.com/health",
		"184 check http probe url=https://web3marketplace.com/api/health",
		"194 action apply file=infrastructure/production/testing/load-test.yaml",
		"197 check http probe format=@curl-format.txt url=https://api.web3marketplace.com/health",
		"200 check exec psql statefulsets" + ns + " name=postgres-primary user=postgres database=web3marketplace sql=SELECT * FROM pg_stat_activity;",
	}
	var got []string
	for _, s := range book.Steps() {
		got = append(got, told(s))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestTheServiceDownRunbookKeepsItsShape(t *testing.T) {
	t.Parallel()
	book := parseFile(t, filepath.Join(shipped, "service-down.md"))
	var got []string
	for _, p := range book.Phases {
		for _, s := range p.Sections {
			if len(s.Steps) > 0 || s.AppliesTo != "" {
				got = append(got, fmt.Sprintf("%s / %s / %s / %d / %s", p.Title, s.Title, s.AppliesTo, len(s.Steps), s.Steps[0].Title))
			}
		}
	}
	want := []string{
		"Immediate Actions (0-5 minutes) / 1. Assess Impact /  / 3 / Check service status",
		"Immediate Actions (0-5 minutes) / 2. Quick Health Check /  / 3 / Check if pods are running",
		"Immediate Actions (0-5 minutes) / 3. Immediate Recovery Attempts /  / 3 / Restart deployment if pods are failing",
		"Investigation (5-15 minutes) / 4. Deep Dive Analysis /  / 4 / Check application logs",
		"Investigation (5-15 minutes) / 5. Database Connectivity (if applicable) /  / 2 / Test database connection",
		"Investigation (5-15 minutes) / 6. External Dependencies /  / 2 / Check Redis connectivity",
		"Resolution Steps / Backend Service Down / backend / 4 / Check database connections",
		"Resolution Steps / Frontend Service Down / frontend / 3 / Check build artifacts",
		"Resolution Steps / Database Service Down / database / 4 / Check PostgreSQL status",
		"Resolution Steps / Redis Service Down / redis / 4 / Check Redis status",
		"Communication / Internal Team Notification /  / 2 / Post to Slack",
		"Post-Incident Actions / 1. Service Restoration Verification /  / 3 / Verify all pods are healthy",
		"Post-Incident Actions / 2. Performance Validation /  / 3 / Run load test",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
	if book.Title != "Service Down Runbook" {
		t.Errorf("title = %q", book.Title)
	}
	if len(book.Warnings) != 1 || book.Warnings[0].Line != 159 {
		t.Errorf("want the repaired characters of line 159 reported, got %v", book.Warnings)
	}
	related := book.Phases[len(book.Phases)-1].Sections[0].Reading
	if len(related) != 4 || related[3].Links[0].URL != "./security-incident.md" || related[3].Depth != 1 {
		t.Errorf("related runbooks = %+v", related)
	}
}

func TestShippedRunbooksHoldNothingThatIsRefusedOrManual(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"service-down.md", "high-error-rate.md", "database-issues.md", "network-connectivity.md", "security-incident.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := parseFile(t, filepath.Join(shipped, name)).Steps()
			if len(steps) < 10 {
				t.Errorf("%d steps, want a whole runbook", len(steps))
			}
			for _, s := range steps {
				if s.Class == runbook.Refused || s.Class == runbook.Manual {
					t.Errorf("%s:%d %s: %s (%s)", name, s.Line, s.Class, s.Source, s.Reason)
				}
				if strings.TrimSpace(s.Title) == "" {
					t.Errorf("%s:%d has no title: %s", name, s.Line, s.Source)
				}
			}
		})
	}
}

//! The table: program, options that take a value, verbs, options, effect.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::rule::Rule;
use super::{Call, cloud, tools};

/// Options that take the next word as their value, by program.
// One row a line.
#[rustfmt::skip]
const VALUES: &[(&str, &str)] = &[
    ("kubectl oc k", "-n --namespace --context --cluster --kubeconfig -s --server --user --token --as --as-group --request-timeout -l --selector -f --filename -o --output -c --container -v --cache-dir --field-selector --certificate-authority --profile"),
    ("helm", "-n --namespace --kube-context --kubeconfig --registry-config --repository-config --kube-token --kube-apiserver --burst-limit --timeout --description"),
    ("aws", "--profile --region --output --endpoint-url --query --color --ca-bundle --cli-read-timeout --cli-connect-timeout"),
    ("gcloud bq gsutil", "--project --account --configuration --format --verbosity --impersonate-service-account --billing-project --region --zone --filter --project_id -o -h -u -i"),
    ("az", "--subscription -g --resource-group -n --name --query -o --output --ids"),
    ("git", "-C -c --git-dir --work-tree --namespace --exec-path --super-prefix --config-env"),
    ("docker podman nerdctl docker-compose", "-H --host -c --context --config -l --log-level -f --file -p --project-name --profile --env-file --project-directory --connection --url --ansi --parallel"),
    ("terraform tofu terragrunt", "-chdir"),
    ("pulumi", "-C --cwd -s --stack --color"),
    ("gh glab", "-R --repo --hostname"),
    ("npm pnpm yarn bun lerna", "--prefix -C --dir -w --workspace --filter -F --cwd --registry --loglevel --userconfig --tag"),
    ("cargo", "--manifest-path --config -Z --color -C --target-dir -p --package --registry --index --token"),
    ("redis-cli valkey-cli", "-h -p -a -u -n -s --user --pass -r -i"),
    ("systemctl journalctl loginctl machinectl", "-H --host -M --machine -p --property -t --type -n --lines --state -o --output -u --unit -s --signal --kill-whom"),
    ("heroku fly flyctl", "-a --app -r --remote -c --config -o --org"),
    ("vault consul nomad", "-address -namespace -ca-cert -token -region -http-addr -datacenter"),
    ("ip", "-n -netns -f -family -b"),
    ("nix nix-env nix-store", "-p --profile -f --file -I --option"),
    ("flatpak snap apt apt-get aptitude dnf yum zypper pacman brew", "-c -o --option --config-file -t --target-release --installroot -R --root --repo -r --dbpath -b --sysroot --releasever"),
    ("virsh", "-c --connect"),
    ("zfs zpool btrfs lvremove vgremove pvremove lvreduce mdadm", "-o -d -t -r -n -L"),
    ("parted", "-a --align"),
    ("multipass lxc incus limactl vagrant", "--project"),
    ("rclone", "--config --filter --include --exclude --log-file --transfers --bwlimit"),
    ("mysqladmin mariadb-admin", "-h -p -P -u --host --port --user --socket -S --password -i --sleep"),
    ("dropdb dropuser createdb psql mysql mariadb pg_restore pg_dump", "-h -p -P -U -u -d --host --port --username --user --dbname --maintenance-db -W -S --socket -f --file -j -n -t -T --password"),
    ("grep egrep fgrep rg ag ack", "-e -f -m -A -B -C --include --exclude --exclude-dir -g --glob -t --type -T --max-depth --color --max-count"),
    ("curl", "-o -d -H -X -u -A -e -b -c -F -T -x -m -K -E -w -r -C -Y -y -z --data --header --request --output --user --user-agent --form --max-time --cacert --cert --key --retry --connect-timeout --data-binary --data-raw --data-urlencode --json --url --write-out --proxy --resolve --cookie --unix-socket"),
    ("wget", "-O -o -a -P -U -t -T -e -i -l --output-document --header --post-data --post-file --method --tries --timeout --user --password"),
    ("tar bsdtar", "-f -C --file --directory -X --exclude -T --transform -I --use-compress-program --to-command"),
    ("head tail", "-n -c --lines --bytes"),
    ("ssh scp sftp rsync", "-p -i -o -l -F -J -L -R -D -b -c -e -E -m -O -P -Q -S -W -w -B -I --rsh --exclude --include --exclude-from --include-from --rsync-path --log-file --password-file --bwlimit --timeout"),
    ("find fd fdfind", "-name -iname -path -type -size -mtime -mmin -newer -maxdepth -mindepth -perm -user -group -e -E -d -t"),
    ("humanlayer hlyr", "--socket --config --data-dir --format --color"),
    ("wrangler supabase firebase vercel netlify", "-c --config -e --env --project-ref -P --project --account --scope -t --token --cwd --site"),
    ("ansible ansible-playbook", "-i -m -a -u -l --limit -e --extra-vars -f --forks -t --tags --module-name --args -b --become-user"),
    ("tmux", "-L -S -f -c"),
    ("vi vim nvim ex view gvim", "-c --cmd -S -u -i -T -w --server --remote-send --remote-expr"),
    ("openssl", "-in -out -inkey -key -passin -passout -CAfile -CApath -CA -CAkey -connect -cert -days -subj -config -keyout"),
];

/// The options of a program that take a value.
pub(in crate::domain::danger) fn value_options(program: &str) -> &'static [&'static str] {
    static INDEX: OnceLock<HashMap<&'static str, Vec<&'static str>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index: HashMap<&str, Vec<&str>> = HashMap::new();
        for (programs, options) in VALUES {
            for program in programs.split(' ') {
                index.entry(program).or_default().extend(options.split(' '));
            }
        }
        index
    });
    index.get(program).map_or(&[], Vec::as_slice)
}

fn rules(program: &str) -> &'static [&'static Rule] {
    static INDEX: OnceLock<HashMap<&'static str, Vec<&'static Rule>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index: HashMap<&str, Vec<&Rule>> = HashMap::new();
        for rule in cloud::RULES.iter().chain(tools::RULES) {
            for program in rule.programs.split(' ') {
                index.entry(program).or_default().push(rule);
            }
        }
        index
    });
    index.get(program).map_or(&[], Vec::as_slice)
}

/// Whether the table has something about a program.
pub(super) fn is_known(program: &str) -> bool {
    !rules(program).is_empty() || !value_options(program).is_empty()
}

/// A word that may be a verb, and whether it may as well be the value of an option that is not known.
struct Verb<'a> {
    text: &'a str,
    may_be_value: bool,
}

/// What the table says of a call.
pub(super) fn look_up(call: &Call<'_>) -> Option<&'static str> {
    let rules = rules(call.name);
    if rules.is_empty() {
        return None;
    }
    let verbs = verbs(call);
    rules
        .iter()
        .find(|rule| {
            let with = rule.with.is_empty() || call.has(rule.with);
            let without = !rule.without.is_empty() && call.has(rule.without);
            with && !without && (rule.verbs.is_empty() || matches(rule.verbs, &verbs))
        })
        .map(|rule| rule.reason)
}

fn verbs<'a>(call: &Call<'a>) -> Vec<Verb<'a>> {
    let values = value_options(call.name);
    let mut found = Vec::new();
    let mut skip = false;
    let mut may_be_value = false;
    for word in call.words().take(64) {
        if std::mem::take(&mut skip) {
            continue;
        }
        if word.len() > 1 && word.starts_with('-') {
            skip = values.contains(&word);
            may_be_value =
                !skip && !word.contains('=') && (word.starts_with("--") || word.len() == 2);
        } else {
            found.push(Verb {
                text: word,
                may_be_value: std::mem::take(&mut may_be_value),
            });
        }
    }
    found
}

/// Whether the verbs begin as a rule wants it.
fn matches(wanted: &str, verbs: &[Verb<'_>]) -> bool {
    let wanted: Vec<&str> = wanted.split(' ').collect();
    fits(&wanted, verbs, 8)
}

fn fits(wanted: &[&str], verbs: &[Verb<'_>], depth: usize) -> bool {
    let Some((first, others)) = wanted.split_first() else {
        return true;
    };
    if *first == "…" {
        return verbs.iter().take(16).enumerate().any(|(at, verb)| {
            others.first().is_some_and(|next| is_verb(next, verb.text))
                && fits(
                    others.get(1..).unwrap_or_default(),
                    verbs.get(at + 1..).unwrap_or_default(),
                    depth,
                )
        });
    }
    let Some((verb, rest)) = verbs.split_first() else {
        return false;
    };
    (is_verb(first, verb.text) && fits(others, rest, depth))
        || (verb.may_be_value && depth > 0 && fits(wanted, rest, depth - 1))
}

fn is_verb(wanted: &str, word: &str) -> bool {
    wanted.split('|').any(|wanted| {
        if wanted.len() > 2 && wanted.starts_with('*') && wanted.ends_with('*') {
            word.contains(wanted.trim_matches('*'))
        } else if let Some((begin, end)) = wanted.split_once('*') {
            word.len() >= begin.len() + end.len() && word.starts_with(begin) && word.ends_with(end)
        } else {
            word.eq_ignore_ascii_case(wanted)
        }
    })
}

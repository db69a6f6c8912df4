//! Rows of the table, and rules, for what developers use: databases, packages, publishing, agents.

use super::super::paths::SECRETS;
use super::super::reason::{
    self, DECIDES, HIJACKS, LOSES_WORK, PACKAGES, PROTECTION, PUBLISHES, REMOVES_DATA, SQL, STOPS,
    UNASKED,
};
use super::super::run::Run;
use super::super::sql;
use super::Call;
use super::rule::{Rule, rule};
use crate::domain::tool::Tool;

const DRY: &str = "--dry-run --dryrun -n --help";

// One row a line.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Publishing.
    rule("npm pnpm yarn bun lerna", "publish|unpublish|deprecate", "", "--dry-run", PUBLISHES),
    rule("npm pnpm yarn bun lerna", "npm publish", "", "--dry-run", PUBLISHES),
    rule("npm pnpm yarn", "dist-tag|owner|access|team|hook|star rm|remove|add|public|grant|revoke|set", "", "", PUBLISHES),
    rule("npm", "token create|list|revoke", "", "", SECRETS),
    rule("npm pnpm", "cache clean", "--force", "", reason::DELETES_FILES),
    rule("changeset semantic-release release-it np standard-version", "publish", "", DRY, PUBLISHES),
    rule("semantic-release release-it np", "", "", "--dry-run -d --version --help", PUBLISHES),
    rule("cargo poetry uv flit hatch vsce ovsx dart flutter pdm maturin deno jsr", "publish", "", "--dry-run", PUBLISHES),
    rule("dart flutter", "pub publish", "", "--dry-run -n", PUBLISHES),
    rule("cargo", "yank|owner", "", "--list -l --undo", PUBLISHES),
    rule("cargo", "release", "-x --execute", "", PUBLISHES),
    rule("twine", "upload", "", "", PUBLISHES),
    rule("gem", "push|yank|owner", "", "", PUBLISHES),
    rule("pod", "trunk push|delete|deprecate", "", "", PUBLISHES),
    rule("mvn mvnw", "… deploy|release:perform|deploy:*", "", "-DdryRun=true", PUBLISHES),
    rule("gradle gradlew", "… publish|publishPlugins|uploadArchives|publishToMavenCentral|closeAndReleaseRepository", "", "--dry-run -m", PUBLISHES),
    rule("dotnet nuget", "nuget|push|delete push|delete", "", "", PUBLISHES),
    rule("mix", "hex.publish|hex.retire", "", "--dry-run", PUBLISHES),
    rule("goreleaser", "release", "", "--snapshot --skip=publish --skip", PUBLISHES),
    rule("fastlane", "… release|deliver|supply|upload_to_app_store", "", "", PUBLISHES),
    rule("stack cabal", "upload", "", "", PUBLISHES),
    rule("conda anaconda", "upload", "", "", PUBLISHES),
    rule("snapcraft", "upload|release|push", "", "", PUBLISHES),
    // Programs of the system.
    rule("apt apt-get aptitude nala", "remove|purge|autoremove|autopurge|dist-upgrade|full-upgrade", "", "-s --simulate --dry-run", PACKAGES),
    rule("dpkg", "", "-r -P --remove --purge --force-all", "", PACKAGES),
    rule("rpm", "", "-e --erase", "--test", PACKAGES),
    rule("yum dnf zypper microdnf tdnf", "remove|erase|autoremove|rm|downgrade", "", "", PACKAGES),
    rule("pacman yay paru", "", "-R -Rs -Rns -Rdd -Rsc -Rscn --remove", "", PACKAGES),
    rule("apk", "del", "", "-s", PACKAGES),
    rule("brew port", "uninstall|remove|rm|autoremove", "", "--dry-run", PACKAGES),
    rule("emerge", "", "-C --unmerge -c --depclean", "-p --pretend", PACKAGES),
    rule("nix-env", "", "-e --uninstall", "--dry-run", PACKAGES),
    rule("nix-collect-garbage", "", "-d --delete-old --delete-older-than", "--dry-run", PACKAGES),
    rule("nix", "store|profile gc|delete|wipe-history", "", "--dry-run", PACKAGES),
    rule("choco scoop winget", "uninstall|remove", "", "", PACKAGES),
    rule("rustup", "self uninstall", "", "", PACKAGES),
    rule("conda mamba micromamba", "env remove", "", "--dry-run", PACKAGES),
    rule("conda mamba micromamba", "remove|uninstall", "--all", "--dry-run", PACKAGES),
    rule("pyenv rbenv nvm asdf", "uninstall", "-f --force", "", PACKAGES),
    rule("make gmake just task mage", "… destroy|nuke|purge|teardown|uninstall|drop|drop-db|db-drop|wipe|reset-db|db-reset|distclean-all", "", "-n --dry-run", reason::BY_VERB),
    rule("npm pnpm yarn bun", "run db:drop|db:reset|db:wipe|db:nuke|destroy|nuke|teardown|drop-db|reset-db", "", "", SQL),
    // Databases.
    rule("dropdb dropuser pg_dropcluster pg_resetwal pg_resetxlog mysql_install_db", "", "", "--help", SQL),
    rule("pg_restore", "", "-c --clean --create", "-l --list", SQL),
    rule("pg_ctl pg_ctlcluster", "… stop|restart", "", "", STOPS),
    rule("initdb", "", "", "--help", SQL),
    rule("mysqladmin mariadb-admin", "… drop|shutdown|flush-*|kill", "", "", SQL),
    rule("mongorestore", "", "--drop", "", SQL),
    rule("mongod", "", "--repair --shutdown", "", SQL),
    rule("redis-cli valkey-cli keydb-cli", "flushall|flushdb|shutdown|del|unlink|debug|swapdb|eval|script|config|replicaof|slaveof|failover|cluster", "", "", SQL),
    rule("influx", "… delete|rm", "", "", SQL),
    rule("rabbitmqctl", "… reset|force_reset|stop|stop_app|delete_*|purge_queue|forget_cluster_node|shutdown|clear_*", "", "", REMOVES_DATA),
    rule("rabbitmqadmin", "… delete|purge", "", "", REMOVES_DATA),
    rule("kafka-topics kafka-topics.sh kafka-consumer-groups kafka-consumer-groups.sh kafka-acls kafka-acls.sh kafka-configs kafka-configs.sh", "", "--delete --remove --delete-offsets --reset-offsets --delete-config", "--dry-run", REMOVES_DATA),
    rule("kafka-delete-records kafka-delete-records.sh kafka-streams-application-reset kafka-streams-application-reset.sh", "", "", "--dry-run", REMOVES_DATA),
    rule("rpk kcat nats pulsar-admin", "… delete|purge|rm|trim-prefix|truncate", "", "", REMOVES_DATA),
    rule("nodetool", "… decommission|removenode|clearsnapshot|truncatehints|assassinate|drain|stopdaemon", "", "", SQL),
    rule("cockroach", "node|sql|quit drain|decommission", "", "", SQL),
    rule("elasticsearch-plugin opensearch-plugin", "remove", "", "", REMOVES_DATA),
    rule("rails rake", "… db:drop|db:drop:*|db:reset|db:purge|db:purge:*|db:schema:load|db:truncate_all|db:migrate:reset|db:structure:load|db:seed:replant|tmp:clear_all|db:rollback|db:setup", "", "-T -P -n", SQL),
    rule("rails", "destroy|d", "", "-p --pretend", REMOVES_DATA),
    rule("artisan", "migrate:fresh|migrate:reset|migrate:refresh|db:wipe|migrate:rollback|queue:flush|queue:clear|cache:clear-all|down|model:prune", "", "--pretend --pretend=1", SQL),
    rule("manage.py django-admin", "flush|reset_db|sqlflush|reset_schema|delete_*|clear_*|drop_*|truncate_*|remove_stale_contenttypes|wipe_*|purge_*", "", DRY, SQL),
    rule("manage.py django-admin", "migrate * zero", "", "--plan", SQL),
    rule("prisma", "migrate reset", "", "", SQL),
    rule("prisma", "db push", "--force-reset --accept-data-loss", "", SQL),
    rule("prisma", "db execute", "", "", SQL),
    rule("sequelize sequelize-cli", "db:drop|db:migrate:undo*|db:seed:undo*", "", "", SQL),
    rule("knex", "migrate:rollback|migrate:down", "", "", SQL),
    rule("typeorm mikro-orm", "schema:drop|migration:revert|schema:fresh|migration:fresh|database:drop|schema:sync", "", "--dump", SQL),
    rule("drizzle-kit", "drop", "", "", SQL),
    rule("drizzle-kit", "push", "--force", "", SQL),
    rule("alembic", "downgrade", "", "--sql", SQL),
    rule("flask", "db downgrade", "", "", SQL),
    rule("flyway", "… clean|undo", "", "", SQL),
    rule("liquibase", "… drop-all|dropAll|rollback*", "", "", SQL),
    rule("mix", "ecto.drop|ecto.reset|ecto.rollback", "", "", SQL),
    rule("diesel", "database drop|reset", "", "", SQL),
    rule("diesel", "migration redo|revert", "", "", SQL),
    rule("sqlx sea-orm-cli", "database|db|migrate drop|reset|fresh|refresh|down|revert", "", "", SQL),
    rule("dbmate goose migrate atlas tern bytebase", "… drop|down|down-to|reset|rollback|clean|force", "", "--dry-run -n", SQL),
    rule("console doctrine", "doctrine:database:drop|doctrine:schema:drop|doctrine:migrations:migrate|orm:schema-tool:drop|doctrine:fixtures:load", "", "--dry-run", SQL),
    rule("wp", "db|site|post|user|plugin|theme|media|option drop|reset|clean|empty|delete", "", "--dry-run", SQL),
    rule("drush", "sql-drop|sql:drop|site:install|pm:uninstall|entity:delete", "", "", SQL),
    rule("hasura", "… drop|clear|delete", "", "", SQL),
    rule("dynamodb-admin aws-nuke cloud-nuke", "", "", "--dry-run --help", REMOVES_DATA),
    rule("meteor", "reset|deploy", "", "", SQL),
    rule("dotnet", "ef database drop", "", "--dry-run", SQL),
    // Other version control.
    rule("hg", "strip|purge|rollback|prune|histedit|obliterate", "", "-p --print -n", LOSES_WORK),
    rule("hg", "update|up|revert", "-C --clean -a --all --no-backup", "-n", LOSES_WORK),
    rule("hg", "push", "-f --force", "", reason::REWRITES),
    rule("hg", "config|--config", "--edit", "", HIJACKS),
    rule("svn", "revert", "-R --recursive --depth=infinity", "", LOSES_WORK),
    rule("svn", "cleanup", "--remove-unversioned --remove-ignored", "", LOSES_WORK),
    rule("svn", "delete|del|remove|rm", "--force", "", LOSES_WORK),
    rule("svn", "delete|del|remove|rm *://*", "", "", reason::REWRITES),
    rule("svnadmin", "… setrevprop|rmtxns|rmlocks", "", "", reason::REWRITES),
    rule("jj", "abandon|op", "", "", LOSES_WORK),
    rule("p4", "obliterate|revert|delete|clean", "", "-n", LOSES_WORK),
    rule("bfg", "", "", "--help", reason::REWRITES),
    rule("cvs", "… admin|rtag", "", "", reason::REWRITES),
    // What keeps secrets.
    rule("security", "find-generic-password|find-internet-password|dump-keychain|export|find-identity", "", "", SECRETS),
    rule("security", "delete-*|unlock-keychain|set-*|add-*", "", "", PROTECTION),
    rule("pass gopass", "show|ls|rm|edit|otp", "", "", SECRETS),
    rule("op", "read|item|document|inject|run", "", "", SECRETS),
    rule("bw lpass rbw keepassxc-cli dashlane-cli chamber doppler infisical", "… get|show|export|read|list|secrets", "", "", SECRETS),
    rule("secret-tool kwallet-query", "lookup|search|-r", "", "", SECRETS),
    rule("keyctl", "print|pipe|read", "", "", SECRETS),
    rule("gpg gpg2", "", "--export-secret-keys --export-secret-subkeys --delete-secret-keys --delete-keys --delete-secret-and-public-key", "", SECRETS),
    rule("sops age", "", "-d --decrypt", "", SECRETS),
    rule("mimikatz lazagne secretsdump.py hashdump pypykatz", "", "", "", SECRETS),
    rule("hydra john hashcat medusa aircrack-ng responder msfconsole msfvenom sqlmap", "", "", "--version --help", reason::SENDS),
    // Work that is in no commit, protections.
    rule("pre-commit husky lefthook", "uninstall", "", "", PROTECTION),
    rule("setenforce", "0|permissive", "", "", PROTECTION),
    rule("aa-disable aa-teardown aa-complain", "", "", "", PROTECTION),
    rule("auditctl", "", "-D -e", "", PROTECTION),
    rule("csrutil", "disable|clear", "", "", PROTECTION),
    rule("spctl", "", "--master-disable --global-disable --disable", "", PROTECTION),
    rule("fail2ban-client", "stop|unban", "", "", PROTECTION),
    rule("tmutil", "delete|deletelocalsnapshots|disable|thinlocalsnapshots|deleteinprogress", "", "", REMOVES_DATA),
    rule("defaults", "delete|delete-all", "", "", REMOVES_DATA),
    rule("dscl", "", "-delete -create -append -passwd", "", reason::USERS),
    rule("dseditgroup sysadminctl", "", "", "", reason::USERS),
    rule("adb", "… uninstall|wipe|disable-verity|remount", "", "", REMOVES_DATA),
    rule("adb", "… pm clear|uninstall", "", "", REMOVES_DATA),
    rule("fastboot", "… erase|flash|format|oem|flashing|-w|wipe-super|flashall", "", "", reason::DISK),
    rule("fastboot", "", "-w", "", reason::DISK),
    rule("xcrun", "simctl erase|delete", "", "", REMOVES_DATA),
    rule("esptool esptool.py avrdude dfu-util flashrom", "… erase_flash|erase-flash|erase_region|write_flash|write-flash", "", "", reason::DISK),
    rule("flashrom", "", "-w --write -E --erase", "", reason::DISK),
    rule("avrdude", "", "-e", "", reason::DISK),
    // Agents that do not ask, other than this one.
    rule("cursor-agent", "", "-f", "", UNASKED),
    // What lets a repository's own file run by itself.
    rule("direnv", "allow|permit|grant", "", "", HIJACKS),
    rule("mise rtx", "trust", "", "", HIJACKS),
    rule("loginctl", "enable-linger", "", "", super::super::paths::LATER),
    rule("nsenter", "", "-t=1 --target=1", "", reason::RUN_OF_MACHINE),
    rule("codex", "", "--dangerously-bypass-approvals-and-sandbox --yolo --full-auto", "", UNASKED),
    rule("gemini qwen aider cursor-agent amp opencode goose", "", "--yolo -y --yes-always --force --dangerously-allow-all --approval-mode=yolo", "", UNASKED),
    rule("hld", "", "", "--version --help", DECIDES),
    rule("trash-empty trash-rm", "", "", "--dry-run", reason::DELETES_FILES),
    rule("gio", "trash|remove", "--empty -f --force", "", reason::DELETES_FILES),
    rule("mc rmtrash", "", "--empty", "", reason::DELETES_FILES),
    rule("journalctl", "", "--vacuum-size --vacuum-time --vacuum-files --rotate", "", reason::HIDES),
    rule("logrotate", "", "-f --force", "", reason::HIDES),
    rule("wevtutil", "cl|clear-log", "", "", reason::HIDES),
    rule("ccleaner bleachbit", "", "-c --clean --overwrite", "", reason::DELETES_FILES),
    rule("sdkmanager", "", "--uninstall", "", PACKAGES),
    rule("salt salt-ssh", "… cmd.run|state.apply|state.highstate|service.stop|file.remove|pkg.remove|system.reboot|system.shutdown", "", "test=True", REMOVES_DATA),
    rule("puppet chef-client", "apply", "", "--noop", HIJACKS),
];

const DATABASES: &str = "psql mysql mariadb sqlite3 sqlite duckdb sqlcmd clickhouse-client clickhouse \
    cockroach cqlsh isql osql bq wrangler sqlplus snowsql trino presto beeline usql pgcli mycli litecli turso \
    libsql athena spark-sql hive impala-shell influx aws kubectl monetdb";
const MONGO: &str = "mongosh mongo";

/// What a table has no room for.
pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    if call.is(DATABASES) {
        database(run, call);
    }
    if call.is(MONGO) {
        let texts = call.words().chain(call.stdin.text.as_deref());
        for text in texts {
            let removes = [
                "dropDatabase(",
                ".drop(",
                "deleteMany(",
                "remove({",
                ".remove(",
                "dropUser(",
                "dropIndexes(",
                "shutdownServer(",
                "dropAllUsers(",
                "deleteOne(",
            ];
            if removes.iter().any(|call| text.contains(call)) {
                run.found.add(SQL, text);
            }
        }
    }
    if call.is("redis-cli valkey-cli")
        && let Some(text) = call.stdin.text.as_deref()
        && text.to_ascii_lowercase().contains("flush")
    {
        run.found.add(SQL, text);
    }
    if call.is("claude") {
        claude(run, call);
    }
}

fn database(run: &mut Run<'_>, call: &Call<'_>) {
    let given = call.stdin.text.clone();
    for text in call.words().chain(given.as_deref()) {
        if let Some(part) = sql::destructive(text) {
            run.found.add(SQL, part);
        }
        // A client's own way to a shell.
        for line in text.lines().take(256) {
            let line = line.trim();
            let script = ["\\!", ".shell", ".system", "system ", "!!"]
                .iter()
                .find_map(|sign| line.strip_prefix(sign));
            if let Some(script) = script {
                drop(run.text(script));
            }
            let line = line.to_ascii_lowercase();
            let loads = line.contains("load_extension(") || line.starts_with(".load ");
            let pipes = ["\\o |", "\\g |", "\\copy "]
                .iter()
                .any(|sign| line.starts_with(sign))
                && (line.contains('|') || line.contains(" program "));
            if line.starts_with("copy ") && line.contains(" program ") || loads || pipes {
                run.found.add(HIJACKS, text);
            }
        }
    }
    let positional = call.positional();
    let is_ours = positional.iter().any(|arg| {
        let path = run.full(&arg.text);
        path.contains("/.humanlayer/") || path.ends_with("/daemon.db")
    });
    if is_ours {
        run.found.add(DECIDES, call.whole);
    }
}

/// Claude Code, started by what it is asked to do.
fn claude(run: &mut Run<'_>, call: &Call<'_>) {
    let modes = call.values("--permission-mode");
    let unasked = call.has("--dangerously-skip-permissions --allow-dangerously-skip-permissions")
        || modes.iter().any(|mode| {
            matches!(
                mode.as_str(),
                "bypassPermissions" | "acceptEdits" | "dontAsk" | "auto"
            )
        });
    let allowed = call.values("--allowedTools --allowed-tools");
    let is_wide = allowed.iter().any(|tools| {
        tools.split([',', ' ']).any(|tool| {
            matches!(tool, "Bash(*)" | "Bash(*:*)" | "*")
                || matches!(Tool::of(tool), Some(Tool::Bash | Tool::Write | Tool::Edit))
        })
    });
    if unasked
        || is_wide
        || call.has("--permission-prompt-tool --settings --mcp-config --plugin-dir")
    {
        run.found.add(UNASKED, call.whole);
    }
    let verbs: Vec<&str> = call
        .words()
        .filter(|word| !word.starts_with('-'))
        .take(2)
        .collect();
    if matches!(
        verbs.as_slice(),
        [
            "mcp",
            "add" | "add-json" | "remove" | "reset-project-choices" | "add-from-claude-desktop"
        ] | ["config", "set" | "add" | "remove"]
            | ["plugin", "install" | "add" | "marketplace"]
    ) {
        run.found.add("changes what agents may do", call.whole);
    }
}

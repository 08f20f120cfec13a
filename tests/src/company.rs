//! A company with a plot: who is there, what they run, and what happens to it. The names are data, so that the same
//! plot can be played by another company.

/// Where everything happens. Account ids have twelve digits.
#[derive(Debug, Clone)]
pub struct Accounts {
    pub production: String,
    pub staging: String,
    pub tooling: String,
}

#[derive(Debug, Clone)]
pub struct Team {
    pub name: String,
    pub title: String,
}

#[derive(Debug, Clone)]
pub struct System {
    pub name: String,
    /// Place in [`Company::teams`].
    pub owner: usize,
}

#[derive(Debug, Clone)]
pub struct Component {
    pub name: String,
    pub component_type: &'static str,
    /// Places in [`Company::teams`] and [`Company::systems`].
    pub owner: usize,
    /// `None`: the catalog file does not say it.
    pub system: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Company {
    pub organisation: String,
    pub accounts: Accounts,
    /// The first is home.
    pub regions: [String; 2],
    pub teams: Vec<Team>,
    pub systems: Vec<System>,
    /// The first is the one that the plot is about: two pipelines, a database, and a system that only its
    /// infrastructure export knows.
    pub components: Vec<Component>,
    /// Name of the database cluster, in production and in staging.
    pub database: String,
    /// A password that stands in the Terraform state and nowhere else, ever.
    pub database_password: String,
    pub pipelines: [String; 2],
    /// A pipeline of another component.
    pub other_pipeline: String,
    pub function: String,
    pub bucket: String,
    pub table: String,
    /// A queue that is created and deleted.
    pub retired_queue: String,
    pub queue: String,
    /// An instance that nobody owns.
    pub orphan_instance: String,
    /// Month of the bill, `yyyy-mm`.
    pub month: String,
}

fn team(name: &str, title: &str) -> Team {
    Team { name: name.to_owned(), title: title.to_owned() }
}

fn component(name: &str, component_type: &'static str, owner: usize, system: Option<usize>) -> Component {
    Component { name: name.to_owned(), component_type, owner, system }
}

impl Company {
    /// The company of `events/`: it sells theatre tickets.
    pub fn theatre() -> Self {
        Self {
            organisation: "playhouse".into(),
            accounts: Accounts {
                production: "111122223333".into(),
                staging: "444455556666".into(),
                tooling: "777788889999".into(),
            },
            regions: ["eu-west-1".into(), "eu-central-1".into()],
            teams: vec![
                team("team-playbill", "Team Playbill"),
                team("team-boxoffice", "Team Box Office"),
                team("team-stagehands", "Team Stagehands"),
            ],
            systems: vec![
                System { name: "programme".into(), owner: 0 },
                System { name: "ticket-sales".into(), owner: 1 },
                System { name: "house-operations".into(), owner: 2 },
            ],
            components: vec![
                component("catalog-api", "service", 0, None),
                component("marquee-web", "website", 0, Some(0)),
                component("spotlight-search", "service", 0, Some(0)),
                component("seatmap-service", "service", 1, Some(1)),
                component("boxoffice-api", "service", 1, Some(1)),
                component("turnstile-payments", "service", 1, Some(1)),
                component("ledger-worker", "worker", 1, Some(1)),
                component("encore-mailer", "worker", 2, Some(2)),
                component("usher-bot", "service", 2, Some(2)),
                component("greenroom-console", "website", 2, Some(2)),
            ],
            database: "programme-db".into(),
            database_password: "Canary-Twelfth-Night-1601".into(),
            pipelines: ["catalog-api-release".into(), "catalog-api-infrastructure".into()],
            other_pipeline: "marquee-web-release".into(),
            function: "spotlight-search-indexer".into(),
            bucket: "playhouse-marquee-assets".into(),
            table: "seatmap-holds".into(),
            retired_queue: "paper-ticket-imports".into(),
            queue: "encore-mail-jobs".into(),
            orphan_instance: "i-0a1b2c3d4e5f60718".into(),
            month: "2026-10".into(),
        }
    }

    /// The same plot with names, accounts and regions made from a number. Equal seeds give equal companies.
    pub fn generated(seed: u64) -> Self {
        let mut names = Names(seed);
        let teams: Vec<Team> =
            (0..3).map(|_| names.word()).map(|w| team(&format!("squad-{w}"), &format!("Squad {w}"))).collect();
        let systems: Vec<System> =
            (0..3).map(|owner| System { name: format!("{}-suite", names.word()), owner }).collect();
        let kinds = ["service", "website", "worker"];
        let components = (0..10)
            .map(|n| Component {
                name: format!("{}-{}", names.word(), kinds[n % 3]),
                component_type: kinds[n % 3],
                owner: n * 3 / 10,
                system: (n > 0).then_some(n * 3 / 10),
            })
            .collect();
        Self {
            organisation: names.word(),
            accounts: Accounts { production: names.account(), staging: names.account(), tooling: names.account() },
            regions: ["us-east-2".into(), "ap-southeast-2".into()],
            teams,
            systems,
            components,
            database: format!("{}-store", names.word()),
            database_password: format!("Canary-{}-{}", names.word(), names.word()),
            pipelines: [format!("{}-ship", names.word()), format!("{}-infra", names.word())],
            other_pipeline: format!("{}-ship", names.word()),
            function: format!("{}-fn", names.word()),
            bucket: format!("{}-objects", names.word()),
            table: format!("{}-rows", names.word()),
            retired_queue: format!("{}-old", names.word()),
            queue: format!("{}-jobs", names.word()),
            orphan_instance: format!("i-0{:016x}", names.next()),
            month: "2026-09".into(),
        }
    }

    pub fn hero(&self) -> &Component {
        &self.components[0]
    }

    pub fn home(&self) -> &str {
        &self.regions[0]
    }

    /// Every name that is this company's own.
    pub fn names(&self) -> Vec<&str> {
        let mut names = vec![
            self.organisation.as_str(),
            &self.database,
            &self.database_password,
            &self.pipelines[0],
            &self.pipelines[1],
            &self.other_pipeline,
            &self.function,
            &self.bucket,
            &self.table,
            &self.retired_queue,
            &self.queue,
            &self.orphan_instance,
        ];
        names.extend(self.teams.iter().map(|team| team.name.as_str()));
        names.extend(self.systems.iter().map(|system| system.name.as_str()));
        names.extend(self.components.iter().map(|component| component.name.as_str()));
        names
    }
}

/// Words from a number: SplitMix64, syllable by syllable.
struct Names(u64);

impl Names {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 16] =
            ["ba", "ke", "li", "mo", "nu", "pra", "que", "rin", "sol", "tam", "ur", "vex", "wi", "xo", "yen", "zil"];
        (0..4).map(|_| SYLLABLES[usize::try_from(self.next() % 16).unwrap_or(0)]).collect()
    }

    fn account(&mut self) -> String {
        format!("{:012}", 100_000_000_000 + self.next() % 900_000_000_000)
    }
}

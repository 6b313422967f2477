//! Where a fleet's queue is, and which lane of it is meant.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use sheaf_aggregator::pipeline::PinnedCircuits;
use sheaf_circuits::security::Profile;
use sheaf_prover::fleet::{FleetQueue, Lane, Link, LinkOptions};
use sheaf_prover::rehearsal;

use crate::failure::Advice;

/// Hexadecimal digits of the circuits' digest that name a lane.
const LANE_DIGITS: usize = 16;

/// Where NATS is.
#[derive(Args, Clone, Debug)]
pub struct NatsArguments {
    /// The fleet's name: fleets of other names share the server and nothing else
    #[arg(long, value_name = "NAME", default_value = "main", env = "SHEAF_FLEET", help_heading = "Fleet options")]
    pub fleet: String,
    /// Credentials for NATS (JWT and seed); user and password go into the URL
    #[arg(long, value_name = "FILE", env = "SHEAF_NATS_CREDENTIALS", help_heading = "Fleet options")]
    nats_credentials: Option<PathBuf>,
    /// Root certificates for NATS, besides the system's
    #[arg(long, value_name = "FILE", help_heading = "Fleet options")]
    nats_root_ca: Option<PathBuf>,
}

impl NatsArguments {
    /// Connects as `name`.
    pub fn connect(&self, url: &str, name: &str) -> Result<Arc<Link>> {
        let options = LinkOptions {
            url: url.to_owned(),
            credentials: self.nats_credentials.clone(),
            root_certificates: self.nats_root_ca.clone(),
            name: name.to_owned(),
        };
        Link::connect(&options).context(Advice::new("there is no queue", "start NATS, or name it by --queue nats://…"))
    }

    /// The lane of a profile's circuits, or that of rehearsals.
    pub fn lane_for(&self, security: Profile, rehearsal: bool) -> Result<Lane> {
        match rehearsal {
            true => self.rehearsal_lane(),
            false => self.lane(security),
        }
    }

    /// The lane of rehearsals.
    pub fn rehearsal_lane(&self) -> Result<Lane> {
        self.lane_named(rehearsal::LANE)
    }

    /// The lane of a profile's circuits.
    pub fn lane(&self, security: Profile) -> Result<Lane> {
        let pinned = PinnedCircuits::load(security)
            .context(Advice::new("this program's pinned circuits are damaged", "install sheaf anew"))?;
        self.lane_named(&pinned.verifier.set().root().to_string()[..LANE_DIGITS])
    }

    fn lane_named(&self, name: &str) -> Result<Lane> {
        Lane::new(&self.fleet, name).context(Advice::new("there cannot be such a fleet", "name another by --fleet"))
    }

    /// The queue of a lane.
    pub fn queue(&self, link: &Arc<Link>, lane: &Lane) -> Result<FleetQueue> {
        let what = format!("lane {lane} has no coordinator");
        let next = "start one with `sheaf coordinator`, of the same version and security profile";
        FleetQueue::open(link, lane).context(Advice::new(what, next))
    }
}

/// A lane of a fleet, for verbs that look at its jobs.
#[derive(Args, Clone, Debug)]
pub struct LaneArguments {
    /// The NATS server of a fleet; a data folder that is named goes first
    #[arg(long, value_name = "URL", env = "SHEAF_QUEUE", help_heading = "Fleet options")]
    queue: Option<String>,
    #[command(flatten)]
    nats: NatsArguments,
    /// Whose jobs of the fleet
    #[arg(long, value_name = "PROFILE", default_value_t = Profile::Proven, help_heading = "Fleet options")]
    security: Profile,
    /// Jobs of rehearsals
    #[arg(long, conflicts_with = "security", help_heading = "Fleet options")]
    rehearsal: bool,
}

impl LaneArguments {
    /// The queue of the lane, where no data folder was named.
    pub fn queue(&self, who: &str) -> Result<FleetQueue> {
        let missing = || Advice::new("neither a data folder nor a fleet is named", "give --data-dir or --queue");
        let url = self.queue.as_ref().with_context(missing)?;
        let link = self.nats.connect(url, who)?;
        let lane = self.nats.lane_for(self.security, self.rehearsal)?;
        self.nats.queue(&link, &lane)
    }
}

/// This machine's name, for logs.
pub fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

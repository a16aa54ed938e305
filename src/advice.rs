//! What can be done about an error, and what an HTTP status usually means on which request.

/// What to do next; a caller can act on it without reading a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The same call on the same lease may work.
    Retry,
    /// This lease is useless now; the same job on a new one may work.
    NewLease,
    /// The same again fails again: a file, an option or the session has to change.
    FixInput,
    /// Nothing that a program could do; a person has to look.
    Nobody,
}

impl Remedy {
    /// The word for callers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::NewLease => "new_lease",
            Self::FixInput => "fix_input",
            Self::Nobody => "none",
        }
    }
}

/// Which request a status answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// GET of a file.
    Get,
    /// POST of a disk.
    Post,
    /// PUT of a file.
    Put,
    /// A call to vCenter or the host.
    Call,
    /// CONNECT, of the session's proxy.
    Tunnel,
    /// GET of a package at an address of the user's.
    Package,
}

/// What a status usually means there, and what to do.
pub(crate) fn of_status(asked: Asked, status: u16) -> (&'static str, Remedy) {
    use Asked::{Call, Get, Package, Post, Put, Tunnel};
    use Remedy::{FixInput, NewLease, Nobody, Retry};
    match (asked, status) {
        (_, 407) => ("the proxy asks for a login", FixInput),
        (Tunnel, 403) => ("the proxy refuses to connect to this host", FixInput),
        (Tunnel, _) => ("the proxy did not reach the host", Retry),
        (Call, 401 | 403) => (
            "something in front of vCenter asks for a login of its own",
            FixInput,
        ),
        (Call, 404 | 405) => ("there is no vSphere API at this address", FixInput),
        (Call, 408 | 429 | 502..=504) => (
            "vCenter or a proxy in front of it is starting or overloaded",
            Retry,
        ),
        (Call, _) => ("a vSphere API does not answer like this", Nobody),
        (Get | Post | Put, 401 | 403) => (
            "the host refuses the lease's ticket: the lease or the session has ended",
            NewLease,
        ),
        (Get | Post | Put, 404 | 410) => (
            "the host does not have the file any more: the lease has ended",
            NewLease,
        ),
        (Get, 405) => ("there is no NFC server at this address", Nobody),
        (Get, 408) => ("the host waited for the request too long", Retry),
        (Get, 500) => ("the host cannot read the disk now: it may be locked", Retry),
        (Post | Put, 405) => (
            "POST and PUT are mixed up: FileItem.create decides",
            FixInput,
        ),
        (Post, 400 | 415 | 422 | 500) => (
            "the file is not a streamOptimized VMDK, or the datastore is full",
            FixInput,
        ),
        (Put, 500) => (
            "the host cannot write the file: the datastore may be full",
            FixInput,
        ),
        (Post | Put, 409 | 412) => ("the file exists already", FixInput),
        (Post | Put, 411 | 413) => ("something in front of the host limits uploads", FixInput),
        (Post | Put, 507) => ("the datastore is full", FixInput),
        (Get, 429 | 502..=504) | (Put, 408 | 429 | 502..=504) => {
            ("the host or a proxy in front of it is overloaded", Retry)
        }
        (Post, 408 | 429 | 502..=504) => (
            "the host or a proxy in front of it is overloaded; nobody knows how much of the disk it has",
            NewLease,
        ),
        (Package, 401 | 403) => (
            "the server wants a login, or the address was for a time that has passed",
            FixInput,
        ),
        (Package, 404 | 410) => ("there is nothing at this address", FixInput),
        (Package, 408 | 429 | 500 | 502..=504) => ("the server is overloaded or starting", Retry),
        (Package, _) => ("a web server does not answer a download like this", Nobody),
        (Get | Post | Put, _) => ("an NFC server does not answer like this", Nobody),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_means_something() {
        for asked in [
            Asked::Get,
            Asked::Post,
            Asked::Put,
            Asked::Call,
            Asked::Tunnel,
            Asked::Package,
        ] {
            for status in 100..1000 {
                assert!(!of_status(asked, status).0.is_empty());
            }
        }
        assert_eq!(of_status(Asked::Post, 500).1, Remedy::FixInput);
        assert_eq!(of_status(Asked::Get, 500).1, Remedy::Retry);
        assert_eq!(of_status(Asked::Get, 404).1, Remedy::NewLease);
    }
}

//! The wire between the fleet and NATS, which can be cut.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// Passes connections on to a port of this machine, with threads that end with the process.
pub struct Proxy {
    port: u16,
    wires: Arc<Wires>,
}

struct Wires {
    upstream: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_cut: bool,
    /// Those that came while it is cut: they wait, as they would for a network that lets nothing through.
    waiting: Vec<TcpStream>,
    connections: u64,
    /// Both ends of each connection.
    open: HashMap<u64, [TcpStream; 2]>,
}

impl Proxy {
    /// Listens on a free port for what is meant for `upstream_port`.
    pub fn start(upstream_port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, upstream_port));
        let wires = Arc::new(Wires { upstream, state: Mutex::default() });
        let accepting = wires.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Where nobody listens behind the proxy, whoever came is turned away.
                let _ = accepting.connect(client);
            }
        });
        Ok(Self { port, wires })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends all connections, and lets new ones wait until it is mended.
    pub fn cut(&self) {
        let mut state = self.wires.lock();
        state.is_cut = true;
        state.open.drain().for_each(|(_, ends)| close(&ends));
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        let waiting = {
            let mut state = self.wires.lock();
            state.is_cut = false;
            std::mem::take(&mut state.waiting)
        };
        for client in waiting {
            // Who gave up meanwhile comes again.
            let _ = self.wires.connect(client);
        }
    }
}

impl Wires {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        {
            let mut state = self.lock();
            if state.is_cut {
                state.waiting.push(client);
                return Ok(());
            }
        }
        let server = TcpStream::connect(self.upstream)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ways = [(client.try_clone()?, server.try_clone()?), (server.try_clone()?, client.try_clone()?)];
        let number = {
            let mut state = self.lock();
            // Cut in between: both ends are closed.
            if state.is_cut {
                return Ok(());
            }
            state.connections += 1;
            let number = state.connections;
            state.open.insert(number, [client, server]);
            number
        };
        for (mut from, mut to) in ways {
            let wires = self.clone();
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                // What ends on one side ends on the other: of a killed process the server is to know at once.
                if let Some(ends) = wires.lock().open.remove(&number) {
                    close(&ends);
                }
            });
        }
        Ok(())
    }
}

fn close(ends: &[TcpStream; 2]) {
    for end in ends {
        // It may be closed already.
        let _ = end.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_said_passes_until_it_is_cut_and_again_when_it_is_mended() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::start(echo.local_addr().unwrap().port()).unwrap();
        thread::spawn(move || {
            for client in echo.incoming().flatten() {
                thread::spawn(move || io::copy(&mut &client, &mut &client));
            }
        });
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        let answers = |stream: &mut TcpStream| {
            let mut answer = [0; 4];
            stream.write_all(b"ping").and_then(|()| stream.read_exact(&mut answer)).is_ok_and(|()| &answer == b"ping")
        };
        let mut before = connect();
        assert!(answers(&mut before));
        proxy.cut();
        assert!(!answers(&mut before));
        let mut meanwhile = connect();
        let still = Duration::from_millis(50);
        meanwhile.set_read_timeout(Some(still)).unwrap();
        assert!(meanwhile.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock));
        meanwhile.set_read_timeout(None).unwrap();
        proxy.mend();
        assert!(!answers(&mut before));
        assert!(answers(&mut meanwhile) && answers(&mut connect()));
    }
}

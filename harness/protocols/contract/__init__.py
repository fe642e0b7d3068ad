"""What each layer of the harness needs from a protocol.

`harness/protocols/NAME/` has a module for each of these facets:

- `about.ABOUT`: its name for people, its port, its placeholders in a target. See `contract.about`.
- `words.LINK`: the class of its links, with its own moments and the names of its messages. See `vocabulary.links.Link`.
- `speech.SPEECH`: how a connection is read, and how a server's error takes an answer's place. See `contract.speech`,
  and `contract.frames`, `contract.message` and `contract.failure` for the types that it speaks of; `contract.stepping`
  is a base for framers.
- `search.SEARCHED`: its errors, its transactions, and which faults make no sense. See `contract.search`.
- `sample.SAMPLE`: what `harness new` writes for a link. See `contract.sample`.
- `options.OPTIONS`: what a target may configure of a server. See `contract.options`.
- `server.SERVER`: how its server is found, started and used. See `contract.server`.
- `storage.STORAGE`: one service's own part of a server, and the questions that a run asks there. See
  `contract.storage`, and `contract.probes` for the answers.

`standard.STANDARD` is optional: it says what the standard suite breaks there besides links and messages, see
`contract.standard`. `faults` is optional, too: it registers the faults of this protocol only.
`tests/protocols/NAME/talk.py` contains a connection for the tests of the contract, which run for every protocol.
"""

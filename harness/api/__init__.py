"""The public functions of the package; `import harness` finds each of them here when it is first used."""

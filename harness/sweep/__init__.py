"""Many runs: launched, told apart, gathered."""

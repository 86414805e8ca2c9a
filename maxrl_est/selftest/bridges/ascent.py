"""What the claims on objectives of advantages say, against the package's rows and what it finds of them."""

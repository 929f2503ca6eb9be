module zitadel-library

go 1.25.0

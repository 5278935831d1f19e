export const HELP = `S3Queue demo: sends a newsletter through a queue that lives in files or on S3,
to a moody mail server in this process, and proves that nothing was lost.

  pnpm demo [options]

  -n, --messages N      how many messages; default: the 400 rows of the list
  -c, --concurrency N   mails sent at once, by all processes; default: 20
  -s, --store PLACE     where the queue lives: s3://bucket, s3://KEY:SECRET@host:port/bucket
                        or fs:PATH; default: a temporary directory
  -d, --directory PATH  short for --store fs:PATH
      --tour            instead of the newsletter: what the queue can do, in short scenes
      --crash           a worker process is killed half-way (SIGKILL), another takes over
  -p, --pods N          N worker processes share the queue; the one that writes is killed
                        half-way, another takes over; a row for each at the end
      --keep            leave the queue where it is, to look at it
  -q, --quiet           only the result
  -h, --help            this text

On a MinIO of your own (the bucket is made if it is missing):

  MINIO_ROOT_USER=demo MINIO_ROOT_PASSWORD=demo-secret minio server --address 127.0.0.1:9000 ./minio-data
  pnpm demo --store s3://demo:demo-secret@127.0.0.1:9000/newsletter

On AWS, with the credentials that the AWS CLI uses:

  pnpm demo --store 's3://my-bucket/some/prefix?region=eu-west-1'

Exit code: 0 if all numbers add up, 1 if not or if something failed, 2 for a wrong
command line, 130 after Ctrl-C (once: in good order; twice: at once).
`
